import type { Route } from '../route.ts';
import { headersOfAll, headersOfRefusals } from './answer-headers.ts';
import type { Example, Reply } from './operation.ts';

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
const withBody: When = ({ method, access }) => method !== 'GET' && access !== 'public';
const admin: When = ({ access }) => access === 'admin';
const withToken: When = ({ access }) => access === 'admin' || access === 'metrics';
const ofUpstream: When = ({ upstream }) => upstream;
const ofStore: When = ({ access }) => access !== 'public';
const underKeys: When = ({ access, path }) =>
  access === 'admin' && (path.startsWith('/admin/keys/:') || /^\/admin\/(usage|requests)/.test(path));
const oneReceipt: When = ({ path }) => path.startsWith('/admin/requests/:');
const ofBackups: When = ({ path }) => path.startsWith('/admin/backups');
const oneBackup: When = ({ path }) => path.startsWith('/admin/backups/:');
const oneModel: When = ({ path }) => /\/models\/:/.test(path);

const INVALID = 'invalid_request_error';

/** Every error, in the order in which they are looked for: what it means, and where it can be met. */
const ROWS: readonly Row[] = [
  [400, INVALID, 'several_credentials', 'Two different keys were sent.', withKey],
  [401, INVALID, 'invalid_api_key', 'No key, or one that is mistyped, unknown or deleted.', withKey],
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
    metered,
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
  [400, INVALID, 'invalid_body', 'Not JSON, or a member is wrong: see `param`.', withBody],
  [400, INVALID, 'invalid_encoding', 'The body is not UTF-8.', withBody],
  [400, INVALID, 'invalid_request', 'This is no HTTP/1.1 as it should be.', everywhere],
  [408, INVALID, 'request_timeout', 'The request took too long to arrive.', withBody],
  [413, INVALID, 'body_too_large', 'The body is too large.', withBody],
  [415, INVALID, 'unsupported_media_type', 'No `Content-Type: application/json`.', withBody],
  [415, INVALID, 'unsupported_encoding', 'The body is compressed.', withBody],
  [431, INVALID, 'headers_too_large', 'The headers are too large.', everywhere],
  [404, INVALID, 'unknown_url', 'The admin API is not reached from this address.', admin],
  [404, INVALID, 'model_not_found', 'No such model, or not for this key.', oneModel],
  [404, INVALID, 'key_not_found', 'There never was such a key.', underKeys],
  [404, INVALID, 'request_not_found', 'There is no such receipt.', oneReceipt],
  [404, INVALID, 'backup_not_found', 'There is no such backup.', oneBackup],
  [409, INVALID, 'backups_off', '`BACKUP_TARGET` is not set.', ofBackups],
  [409, 'server_error', 'backup_fenced', 'The place of the backups belongs to another database.', ofBackups],
  [409, 'server_error', 'backup_conflict', 'Another server writes there at the same time.', ofBackups],
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
  [502, 'upstream_error', 'upstream_broken', 'Its answer was cut off, or not HTTP.', ofUpstream],
  [503, 'upstream_error', 'upstream_unavailable', 'It refuses this service at the moment.', ofUpstream],
  [503, 'upstream_error', 'proxy_stopping', 'The server stops.', ofUpstream],
  [503, 'server_error', 'store_unavailable', 'Nothing can be recorded; nothing was forwarded.', ofStore],
  [504, 'upstream_error', 'upstream_timeout', 'The upstream did not answer in time.', ofUpstream],
  [507, 'server_error', 'spool_full', 'There is no room for the copy.', ofBackups],
];

/** Every error by its code, as the document refers to it. */
export const ERROR_EXAMPLES: Readonly<Record<string, Example>> = Object.fromEntries(
  ROWS.map(([, type, code, what]) => [
    code,
    { summary: what, value: { error: { message: what, type, param: null, code } } },
  ]),
);

/** The errors of a route, by status. */
export function errorReplies(route: RouteTraits): Readonly<Record<string, Reply>> {
  const rows = ROWS.filter(([, , , , when]) => when(route));
  const replies: Record<string, Reply> = {};
  for (const status of new Set(rows.map(([each]) => each))) {
    replies[status] = replyOf(rows.filter(([each]) => each === status));
  }
  return replies;
}

function replyOf(rows: readonly Row[]): Reply {
  const examples = rows.map(([, , code]) => [code, { $ref: `#/components/examples/${code}` }]);
  return {
    description: rows.map(([, , code]) => `\`${code}\``).join(', '),
    headers: rows.some(([status]) => status === 429) ? headersOfRefusals : headersOfAll,
    content: {
      'application/json': {
        schema: { $ref: '#/components/schemas/Error' },
        examples: Object.fromEntries(examples),
      },
    },
  };
}
