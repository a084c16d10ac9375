import type { Dialect } from '#core/upstream.ts';
import type { WireError } from '../reply.ts';

/** The headers that go to the upstream, or what is wrong with one that the client sent. */
export type HeadersFor =
  | { readonly ok: true; readonly headers: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly error: WireError };

interface OwnHeader {
  readonly name: string;
  readonly pattern: RegExp;
  readonly isLike: string;
  /** Where the client sends none; `null`: then none is sent on. */
  readonly otherwise: string | null;
}

/** What clients of a dialect may say to the upstream beside the body. */
const OWN: Readonly<Record<Dialect, readonly OwnHeader[]>> = {
  openai: [],
  anthropic: [
    {
      name: 'anthropic-version',
      pattern: /^\d{4}-\d{2}-\d{2}$/,
      isLike: '2023-06-01',
      otherwise: '2023-06-01',
    },
    {
      name: 'anthropic-beta',
      pattern: /^(?=.{1,1024}$)[\w.-]+(, *[\w.-]+)*$/,
      isLike: 'files-api-2025-04-14',
      otherwise: null,
    },
  ],
};

/** Nothing else of what a client sends reaches the upstream: no cookie, no credential, no forwarding header. */
export function headersFor(dialect: Dialect, given: Headers): HeadersFor {
  const accept = given.get('accept');
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (accept !== null) headers['accept'] = accept;
  for (const { name, pattern, isLike, otherwise } of OWN[dialect]) {
    const value = given.get(name) ?? otherwise;
    if (value === null) continue;
    if (!pattern.test(value)) return { ok: false, error: invalid(`'${name}' must be like '${isLike}'.`) };
    headers[name] = value;
  }
  return { ok: true, headers };
}

/** What the upstream must be told where no client asks. */
export function ownHeaders(dialect: Dialect): Readonly<Record<string, string>> {
  return Object.fromEntries(
    OWN[dialect].flatMap(({ name, otherwise }) => (otherwise === null ? [] : [[name, otherwise]])),
  );
}

function invalid(message: string): WireError {
  return { status: 400, type: 'invalid_request_error', code: 'invalid_header', message };
}
