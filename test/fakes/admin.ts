import type { PriceTable } from '#core/price.ts';
import type { AdminClient } from '#handlers/admin/client.ts';
import { createAdminClient } from '#handlers/admin/client.ts';
import type { Policy } from '#handlers/services.ts';
import { openMemoryStore } from './memory-store.ts';
import { ADMIN_TOKEN } from './policy.ts';
import type { ProxyOptions, ProxyUnderTest } from './proxy.ts';
import { openProxy } from './proxy.ts';
import { completion, sendJson } from './upstream-server.ts';

/** The proxy, seen by its operator. Each request costs the upstream 10 tokens in and 5 out. */
export interface AdminUnderTest {
  readonly proxy: ProxyUnderTest;
  /** The typed client: what it returns was checked against the contract. */
  readonly admin: AdminClient;
  /** A raw request with the admin token; a body that is not a string is sent as JSON. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The error object, if it is one. */
  readonly error:
    | { readonly code: string; readonly param: string | null; readonly message: string }
    | undefined;
}

export async function openAdmin(
  policy: Partial<Policy> = {},
  openStore: ProxyOptions['openStore'] = (calendar) => openMemoryStore({ calendar }),
  prices: PriceTable | null = null,
): Promise<AdminUnderTest> {
  const proxy = await openProxy({
    behaviour: (_, response) => sendJson(response, completion(10, 5)),
    policy,
    prices,
    openStore,
  });
  const { fetch } = proxy;
  return {
    proxy,
    admin: adminOf(proxy),
    async ask(method, path, body, headers = body === undefined ? {} : JSON_TYPE) {
      const response = await fetch(path, {
        address: ADDRESS,
        method,
        headers: { ...headers, authorization: `Bearer ${ADMIN_TOKEN}` },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, error: errorIn(text) };
    },
  };
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** The client of a proxy's operator, at an address of their own. */
export function adminOf({ fetch }: ProxyUnderTest): AdminClient {
  return createAdminClient({
    baseUrl: 'http://proxy.test',
    token: ADMIN_TOKEN,
    fetch: async (request) => {
      const { pathname, search } = new URL(request.url);
      const { method, headers } = request;
      const body = await request.text();
      return fetch(pathname + search, { address: ADDRESS, method, headers, ...(body !== '' && { body }) });
    },
  });
}

const ADDRESS = '203.0.113.7';

function errorIn(text: string): Answer['error'] {
  if (!text.startsWith('{"error":')) return undefined;
  return JSON.parse(text).error;
}
