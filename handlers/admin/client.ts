import * as z from 'zod';
import type { Action } from './contract/action.ts';
import type { Contract } from './contract.ts';
import { contract } from './contract.ts';

export interface AdminClientConfig {
  /** Where the proxy is: `http://127.0.0.1:8787`. */
  readonly baseUrl: string;
  readonly token: string;
  readonly fetch: (request: Request) => Promise<Response>;
}

/** One method for each action of the contract. @throws AdminError */
export type AdminClient = {
  readonly [Group in keyof Contract]: {
    readonly [Name in keyof Contract[Group]]: Contract[Group][Name] extends Action
      ? Method<Contract[Group][Name]>
      : never;
  };
};

/** The proxy answered with an error, or not as it should; the message is its own. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  /** HTTP status; 0 if there was no answer. */
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.code = code;
  }
}

/** The admin API as functions: what goes in and what comes back is what the contract says. */
export function createAdminClient(config: AdminClientConfig): AdminClient {
  if (!URL.canParse(config.baseUrl)) {
    const message = `${config.baseUrl} is no address: give one such as http://127.0.0.1:8787`;
    throw new AdminError(0, 'bad_address', message);
  }
  const method =
    <A extends Action>(action: A): Method<A> =>
    (...[asking]) =>
      call(action, asking ?? {}, config);
  const { keys, applications, usage, requests, sponsor, operations, backups, status } = contract;
  return {
    keys: {
      create: method(keys.create),
      import: method(keys.import),
      list: method(keys.list),
      get: method(keys.get),
      patch: method(keys.patch),
      rotate: method(keys.rotate),
      delete: method(keys.delete),
    },
    applications: {
      list: method(applications.list),
      approve: method(applications.approve),
      reject: method(applications.reject),
    },
    usage: { read: method(usage.read), reset: method(usage.reset) },
    requests: { list: method(requests.list), get: method(requests.get) },
    sponsor: { get: method(sponsor.get), put: method(sponsor.put) },
    operations: { list: method(operations.list), verify: method(operations.verify) },
    backups: {
      create: method(backups.create),
      list: method(backups.list),
      drill: method(backups.drill),
    },
    status: { get: method(status.get) },
  };
}

type Method<A extends Action> = (
  ...asking: Nothing extends Asking<A> ? [asking?: Asking<A>] : [asking: Asking<A>]
) => Promise<z.output<A['reply']>>;

type Nothing = Readonly<Record<never, never>>;

/** The parts of a call. One that must have something in it must be given. */
type Asking<A extends Action> = Part<A, 'params'> & Part<A, 'query'> & Part<A, 'body'> & OnceOf<A>;

/** What changes something can be asked for twice and done once. */
type OnceOf<A extends Action> = A['method'] extends 'GET' ? Nothing : { readonly idempotencyKey?: string };

type Part<A extends Action, Name extends 'params' | 'query' | 'body'> =
  Nothing extends z.input<A[Name]>
    ? { readonly [N in Name]?: z.input<A[N]> }
    : { readonly [N in Name]: z.input<A[N]> };

interface Parts {
  readonly params?: object;
  readonly query?: object;
  readonly body?: object;
  readonly idempotencyKey?: string;
}

async function call<A extends Action>(
  action: A,
  asking: Parts,
  config: AdminClientConfig,
): Promise<z.output<A['reply']>> {
  const response = await send(requestOf(action, asking, config), config);
  const value = await jsonOf(response);
  if (!response.ok) throw errorOf(response.status, value);
  const reply = z.safeParse<A['reply']>(action.reply, value);
  if (!reply.success) throw notOurs(response.status);
  return reply.data;
}

function requestOf(
  { method, path }: Action,
  { params = {}, query = {}, body, idempotencyKey }: Parts,
  config: AdminClientConfig,
) {
  const values = new Map(Object.entries(params));
  for (const [name, value] of values) {
    // An address without it, or above it, is another route: a script's variable may be empty.
    if (/^\.{0,2}$/.test(String(value)))
      throw new AdminError(0, 'invalid_path', `The path is not valid: ${name} must not be '${value}'.`);
  }
  const url = new URL(
    config.baseUrl.replace(/\/+$/, '') +
      path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(values.get(name)))),
  );
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  const headers = new Headers({ authorization: `Bearer ${config.token}` });
  // A redirect would turn a POST into a GET.
  const init = { method, headers, redirect: 'manual' } as const;
  if (method === 'GET') return new Request(url, init);
  headers.set('content-type', 'application/json');
  if (idempotencyKey !== undefined) headers.set('idempotency-key', idempotencyKey);
  return new Request(url, { ...init, body: JSON.stringify(body ?? {}) });
}

async function send(request: Request, { fetch, baseUrl }: AdminClientConfig): Promise<Response> {
  try {
    return await fetch(request);
  } catch (cause) {
    const message = `There is no answer from ${baseUrl}${reasonOf(cause)}. Is the proxy running?`;
    throw new AdminError(0, 'unreachable', message, { cause });
  }
}

/** ` (ECONNREFUSED)`, or what is wrong with its certificate, where `fetch` tells. */
function reasonOf(error: unknown): string {
  const told = fetchError.safeParse(error);
  return told.success ? ` (${told.data.cause.code ?? told.data.cause.message})` : '';
}

const fetchError = z.object({ cause: z.object({ code: z.string().optional(), message: z.string() }) });

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    throw notOurs(response.status);
  }
}

const wireError = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

function errorOf(status: number, value: unknown): AdminError {
  const told = wireError.safeParse(value);
  if (!told.success) return notOurs(status);
  const { code, message } = told.data.error;
  const more = ADVICE[code];
  return new AdminError(status, code, more === undefined ? message : `${message} ${more}`);
}

// Unknown to an older server, one that does not show its admin API to everybody, or another one that speaks as OpenAI does.
const ADVICE: Readonly<Record<string, string>> = {
  unknown_url: 'Is the server as new as this program, and does its ADMIN_ALLOWED_IPS have this address?',
  invalid_admin_token: 'Set ADMIN_TOKEN to that of the server.',
};

function notOurs(status: number): AdminError {
  return new AdminError(
    status,
    'not_understood',
    `The answer (status ${status}) is not one that this version of quota-proxy knows. Is the address right, and the server as new as this program?`,
  );
}
