import type { Attributes } from '@opentelemetry/api';
import type { RequestEnded } from '#core/observer.ts';
import type { CallBegun, UpstreamAsked } from '#core/tracing.ts';

// Names of attributes are those of OpenTelemetry's semantic conventions for HTTP and for generative AI;
// what these have no word for begins with quota_proxy.

/** Any other method is for clients to invent, and would be a name of its own in every list. */
const METHODS: ReadonlySet<string> = new Set(
  'CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE'.split(' '),
);

/** What a call is named in lists: `POST /v1/chat/completions`. */
export function callName({ method, route }: Pick<CallBegun, 'method' | 'route'>): string {
  const verb = METHODS.has(method) ? method : 'HTTP';
  return route === 'unmatched' ? verb : `${verb} ${route}`;
}

/** What is known of a call when it comes in. */
export function callAttributes({ method, route, host, address }: CallBegun): Attributes {
  return {
    ...methodAttributes(method),
    ...routeAttributes(route),
    ...serverAttributes(host),
    'url.scheme': 'http',
    'client.address': address,
  };
}

/** What is known of a call when it has ended, and not before. */
export function endAttributes(event: RequestEnded): Attributes {
  const { route, status, reason, charge } = event;
  return {
    ...routeAttributes(route),
    'http.response.status_code': status,
    ...given('error.type', isServersFault(status) ? (reason ?? String(status)) : null),
    'quota_proxy.request_id': event.requestId,
    ...given('quota_proxy.key_id', event.keyId),
    ...given('quota_proxy.reason', reason),
    ...given('quota_proxy.source', charge?.source),
    ...given('quota_proxy.cost_micros', charge?.priced ? charge.used.cost : null),
    ...(event.model === null ? {} : modelAttributes(route, event.model)),
  };
}

/** By the conventions, what a client did wrong is no error of the server. */
export function isServersFault(status: number): boolean {
  return status >= 500;
}

/** What an exchange with the upstream is named: `chat deepseek-chat`. */
export function exchangeName({ method, path, call }: UpstreamAsked): string {
  // A model's name is the client's to choose, and the limit on attributes does not count for names.
  return call === null ? method : `${operationOf(path)} ${call.model.slice(0, 100)}`;
}

/** What is known of an exchange before it begins. */
export function exchangeAttributes({
  method,
  path,
  call,
  upstream: { name, baseUrl },
}: UpstreamAsked): Attributes {
  const { protocol, hostname, port } = new URL(baseUrl);
  return {
    'http.request.method': method,
    'url.full': baseUrl.replace(/\/+$/, '') + path,
    'quota_proxy.upstream': name,
    'server.address': hostname,
    'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
    ...(call === null
      ? {}
      : { ...modelAttributes(path, call.model), 'gen_ai.provider.name': providerOf(hostname) }),
    ...(call?.stream ? { 'gen_ai.request.stream': true } : {}),
  };
}

/** What an exchange came to. `status` is the upstream's; `null` if it never answered. */
export function exchangeEndAttributes(
  event: RequestEnded,
  status: number | null,
  isStream: boolean,
): Attributes {
  const { usage, upstreamMs } = event;
  return {
    ...given('http.response.status_code', status),
    ...given('error.type', exchangeError(event, status)),
    ...given('gen_ai.usage.input_tokens', usage?.prompt),
    ...given('gen_ai.usage.output_tokens', usage?.completion),
    ...given('gen_ai.usage.cache_read.input_tokens', usage?.cached),
    ...given('gen_ai.usage.cache_creation.input_tokens', usage?.cacheWritten),
    ...given('gen_ai.usage.reasoning.output_tokens', usage?.reasoning),
    ...given(
      'gen_ai.response.time_to_first_chunk',
      isStream && upstreamMs !== null ? upstreamMs / 1000 : null,
    ),
  };
}

/** Why an exchange failed; `null` if it did not: a client that hangs up is no fault of the upstream's. */
export function exchangeError({ reason }: RequestEnded, status: number | null): string | null {
  if (status !== null && status >= 400) return String(status);
  const isWhole = reason === null || (status !== null && !reason.startsWith('upstream_'));
  return isWhole ? null : reason;
}

function methodAttributes(method: string): Attributes {
  if (METHODS.has(method)) return { 'http.request.method': method };
  return { 'http.request.method': '_OTHER', 'http.request.method_original': method };
}

/** The path with what a client put into it left out: it may be a key. */
function routeAttributes(route: string): Attributes {
  if (route === 'unmatched') return {};
  return { 'http.route': route, 'url.path': route.replace(/:[a-z]+(\{[^}]*\})?/gi, 'REDACTED') };
}

function serverAttributes(host: string | null): Attributes {
  const [, name, port] = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(host ?? '') ?? [];
  return { ...given('server.address', name), ...given('server.port', port && Number(port)) };
}

function modelAttributes(path: string, model: string): Attributes {
  return { 'gen_ai.operation.name': operationOf(path), 'gen_ai.request.model': model };
}

const OPERATIONS: Readonly<Record<string, string>> = {
  completions: 'text_completion',
  embeddings: 'embeddings',
};

/** By the route, with or without `/v1`. */
function operationOf(path: string): string {
  return OPERATIONS[path.replace(/^\/(v1\/)?/, '')] ?? 'chat';
}

/** By the conventions, an upstream that nobody knows is called by the format that it speaks. */
function providerOf(hostname: string): string {
  return /(^|\.)deepseek\.com$/.test(hostname) ? 'deepseek' : 'openai';
}

function given(name: string, value: string | number | null | undefined): Attributes {
  return value === null || value === undefined || value === '' ? {} : { [name]: value };
}
