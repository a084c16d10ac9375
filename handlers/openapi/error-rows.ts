import { dialectAt, ENDPOINTS } from '#core/endpoints.ts';
import { anthropicError } from '../dialect.ts';
import type { Route } from '../route.ts';
import { headersOfAll, headersOfRefusals, headersOfWaits } from './answer-headers.ts';
import type { Example, Reply } from './operation.ts';
import type { Schema } from './schema-of.ts';

/** What of a route decides which errors it can answer with. */
export interface RouteTraits extends Pick<Route, 'method' | 'path' | 'access'> {
  /** Whether the upstream is asked. */
  readonly upstream: boolean;
}

type When = (route: RouteTraits) => boolean;
type Row = readonly [status: number, type: string, code: string, what: string, when: When];

const everywhere: When = () => true;
const withKey: When = ({ access }) => access === 'key';
const metered: When = ({ access, method }) => access === 'key' && method === 'POST';
const applying: When = ({ path }) => path.startsWith('/v1/applications');
const ofApplicants: When = ({ path }) => /^\/(v1\/applications|apply|claim)\b/.test(path);
const applied: When = ({ path }) => path.startsWith('/v1/applications/');
const withBody: When = (route) => route.method !== 'GET' && (route.access !== 'public' || applying(route));
const admin: When = ({ access }) => access === 'admin';
const changing: When = ({ access, method }) => access === 'admin' && method !== 'GET';
const withToken: When = ({ access }) => access === 'admin' || access === 'metrics';
const ofUpstream: When = ({ upstream }) => upstream;
const ofStore: When = (route) => route.access !== 'public' || applying(route);
const underKeys: When = ({ access, path }) =>
  access === 'admin' && (path.startsWith('/admin/keys/:') || /^\/admin\/(usage|requests)/.test(path));
const oneReceipt: When = ({ path }) => path.startsWith('/admin/requests/:');
const ofBackups: When = ({ path }) => path.startsWith('/admin/backups');
const oneBackup: When = ({ path }) => path.startsWith('/admin/backups/:');
const oneApplication: When = ({ path }) => path.startsWith('/admin/applications/:');
const claiming: When = ({ path }) => path === '/v1/applications/claim';
const isAnthropic: When = ({ path }) => dialectAt(path) === 'anthropic';
const oneModel: When = ({ path }) => /\/models\/:/.test(path);

/** What is refused before anybody looks at which route is called: in OpenAI's words everywhere. */
const BEFORE_ROUTES: ReadonlySet<string> = new Set([
  'invalid_request',
  'request_timeout',
  'headers_too_large',
  'server_busy',
]);

const ANTHROPIC_ROUTES: readonly RouteTraits[] = ENDPOINTS.filter(
  ({ dialect }) => dialect === 'anthropic',
).map(({ path }) => ({ method: 'POST', path, access: 'key', upstream: true }));

const INVALID = 'invalid_request_error';

/** Every error, in the order in which they are looked for: what it means, and where it can be met. */
const ROWS: readonly Row[] = [
  [
    400,
    INVALID,
    'several_credentials',
    'Two different keys were sent, or a header with a key twice.',
    withKey,
  ],
  [401, INVALID, 'invalid_api_key', 'No key, or one that is mistyped, unknown or deleted.', withKey],
  [
    429,
    'rate_limit_error',
    'too_many_failures',
    'A credential that is none, and too many of them came from this address. A correct one gets in at any time.',
    (route) => withKey(route) || withToken(route),
  ],
  [401, 'authentication_error', 'key_disabled', 'The key is disabled.', withKey],
  [401, 'authentication_error', 'key_expired', 'The key has expired.', withKey],
  [401, 'authentication_error', 'invalid_admin_token', 'No correct token.', withToken],
  [403, 'permission_error', 'ip_not_allowed', 'The key may not be used from this address.', withKey],
  [403, 'permission_error', 'model_not_allowed', 'The key may not use this model.', metered],
  [400, INVALID, 'model_not_priced', 'A quota of cost applies, and the model has no price.', metered],
  [
    429,
    'rate_limit_error',
    'rate_limit_exceeded',
    'Too many requests at once or per minute: wait for `Retry-After`.',
    (route) => metered(route) || applying(route),
  ],
  [
    429,
    'insufficient_quota',
    'insufficient_quota',
    'A quota does not hold this request. The message says when it starts anew.',
    metered,
  ],
  [
    400,
    INVALID,
    'invalid_path',
    'An id in the path is none.',
    (route) => admin(route) && /:/.test(route.path),
  ],
  [400, INVALID, 'invalid_query', 'A parameter is wrong: see `param`.', admin],
  [
    400,
    INVALID,
    'invalid_idempotency_key',
    'The `Idempotency-Key` is not one text of 1 to 255 printable characters.',
    changing,
  ],
  [
    400,
    INVALID,
    'invalid_header',
    '`anthropic-version` or `anthropic-beta` is not written as Anthropic has it.',
    (route) => metered(route) && isAnthropic(route),
  ],
  [400, INVALID, 'invalid_body', 'Not JSON, or a member is wrong: see `param`.', withBody],
  [400, INVALID, 'invalid_encoding', 'The body is not UTF-8.', withBody],
  [400, INVALID, 'invalid_request', 'This is no HTTP/1.1 as it should be.', everywhere],
  [408, INVALID, 'request_timeout', 'The request took too long to arrive.', withBody],
  [413, INVALID, 'body_too_large', 'The body is too large.', withBody],
  [415, INVALID, 'unsupported_media_type', 'No `Content-Type: application/json`.', withBody],
  [415, INVALID, 'unsupported_encoding', 'The body is compressed.', withBody],
  [431, INVALID, 'headers_too_large', 'The headers are too large.', everywhere],
  [
    404,
    INVALID,
    'unknown_url',
    'The admin API is not reached from this address, or applications are not taken here.',
    (route) => admin(route) || ofApplicants(route),
  ],
  [
    404,
    INVALID,
    'model_not_found',
    'No upstream has such a model, or it is not for this key.',
    (route) => oneModel(route) || metered(route),
  ],
  [
    404,
    INVALID,
    'key_not_found',
    'There never was such a key, or it is deleted and was to be changed.',
    underKeys,
  ],
  [404, INVALID, 'request_not_found', 'There is no such receipt.', oneReceipt],
  [404, INVALID, 'backup_not_found', 'There is no such backup.', oneBackup],
  [
    404,
    INVALID,
    'application_not_found',
    'The claim token, or the id, is of no application.',
    (route) => oneApplication(route) || applied(route),
  ],
  [
    409,
    INVALID,
    'application_decided',
    'The application was rejected or claimed, or has expired.',
    oneApplication,
  ],
  [410, INVALID, 'application_claimed', 'The key was shown, and is not shown again.', claiming],
  [410, INVALID, 'application_expired', 'Nobody decided or claimed in time.', claiming],
  [
    409,
    INVALID,
    'idempotency_key_in_use',
    'A call with this `Idempotency-Key` is still being answered: wait for `Retry-After`.',
    changing,
  ],
  [422, INVALID, 'idempotency_key_reused', 'This `Idempotency-Key` was used for another call.', changing],
  [409, INVALID, 'backups_off', '`BACKUP_TARGET` is not set.', ofBackups],
  [409, 'server_error', 'backup_fenced', 'The place of the backups belongs to another database.', ofBackups],
  [409, 'server_error', 'backup_conflict', 'Another server writes there at the same time.', ofBackups],
  [409, 'server_error', 'backup_other_key', 'The backup is encrypted for another key.', ofBackups],
  [500, 'server_error', 'copy_broken', 'The copy of the database did not pass its check.', ofBackups],
  [500, 'server_error', 'internal_error', 'A bug: the log has the reason, under the request id.', everywhere],
  [502, 'server_error', 'vault_failed', 'The bucket or directory refused, or did not answer.', ofBackups],
  [502, 'server_error', 'vault_record_broken', 'Something in the bucket cannot be read.', ofBackups],
  [
    502,
    'upstream_error',
    'upstream_unreachable',
    'No connection to the upstream. Nothing is charged.',
    ofUpstream,
  ],
  [
    502,
    'upstream_error',
    'upstream_broken',
    'Its answer was cut off, is not HTTP, or is over 32 MiB.',
    ofUpstream,
  ],
  [
    429,
    'rate_limit_error',
    'upstream_busy',
    'The service is at the limit of its provider. Nothing is charged: wait for `Retry-After`.',
    metered,
  ],
  [499, INVALID, 'client_gone', 'The client hung up while it waited for that: for the log alone.', metered],
  [503, 'upstream_error', 'upstream_unavailable', 'It refuses this service at the moment.', ofUpstream],
  [503, 'upstream_error', 'proxy_stopping', 'The server stops.', ofUpstream],
  [503, 'server_error', 'store_unavailable', 'Nothing can be recorded; nothing was forwarded.', ofStore],
  [
    503,
    'server_error',
    'server_busy',
    'No room for the body of this request, or for its connection: wait for `Retry-After`.',
    everywhere,
  ],
  [
    503,
    'server_error',
    'applications_full',
    'As many wait as may.',
    ({ path }) => path === '/v1/applications',
  ],
  [504, 'upstream_error', 'upstream_timeout', 'The upstream did not answer in time.', ofUpstream],
  [507, 'server_error', 'spool_full', 'There is no room for the copy.', ofBackups],
];

/** As the document shows ids of requests. */
const REQUEST_ID = '01a212c5-9b2e-7082-82d8-99cd58823b2b';

/** Every error as the document refers to it: by its code, and by `anthropic.` and its code as Anthropic's clients read it. */
export const ERROR_EXAMPLES: Readonly<Record<string, Example>> = Object.fromEntries([
  ...ROWS.map(([, type, code, what]): [string, Example] => [
    code,
    { summary: what, value: { error: { message: what, type, param: null, code } } },
  ]),
  ...ROWS.filter(isToldToAnthropic).map(([status, type, code, message]): [string, Example] => [
    `anthropic.${code}`,
    { summary: message, value: anthropicError({ status, type, code, message }, REQUEST_ID) },
  ]),
]);

/** Whether there is a route of Anthropic's that answers so. */
function isToldToAnthropic([, , code, , when]: Row): boolean {
  return !BEFORE_ROUTES.has(code) && ANTHROPIC_ROUTES.some(when);
}

/** The errors of a route, by status. */
export function errorReplies(route: RouteTraits): Readonly<Record<string, Reply>> {
  const rows = ROWS.filter(([, , , , when]) => when(route));
  const replies: Record<string, Reply> = {};
  for (const status of new Set(rows.map(([each]) => each))) {
    const own = rows.filter(([each]) => each === status);
    const reply = isAnthropic(route) ? anthropicReplyOf(own) : replyOf(own, ERROR, '');
    const waits = status === 429 || own.some(([, , , what]) => what.includes('Retry-After'));
    const headers = metered(route) ? headersOfRefusals : waits ? headersOfWaits : headersOfAll;
    replies[status] = { ...reply, headers };
  }
  return replies;
}

const ERROR: Schema = { $ref: '#/components/schemas/Error' };
const ANTHROPIC_ERROR: Schema = { $ref: '#/components/schemas/AnthropicError' };

function anthropicReplyOf(rows: readonly Row[]): Omit<Reply, 'headers'> {
  const isMixed = rows.some(([, , code]) => BEFORE_ROUTES.has(code));
  return replyOf(rows, isMixed ? { anyOf: [ANTHROPIC_ERROR, ERROR] } : ANTHROPIC_ERROR, 'anthropic.');
}

function replyOf(rows: readonly Row[], schema: Schema, prefix: string): Omit<Reply, 'headers'> {
  const nameOf = (code: string) => (BEFORE_ROUTES.has(code) ? code : `${prefix}${code}`);
  const examples = rows.map(([, , code]) => [code, { $ref: `#/components/examples/${nameOf(code)}` }]);
  return {
    description: rows.map(([, , code]) => `\`${code}\``).join(', '),
    content: { 'application/json': { schema, examples: Object.fromEntries(examples) } },
  };
}
