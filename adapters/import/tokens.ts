import type { ForeignDatabase } from './foreign-database.ts';
import type { ForeignFile } from './foreign-file.ts';
import { joined } from './joined.ts';
import { usageProblem } from './problems.ts';
import { SLOT_SECONDS } from './slot.ts';
import { tokenKey } from './token-key.ts';

// https://github.com/songquanpeng/one-api and https://github.com/QuantumNous/new-api, model/token.go and model/log.go.
const NEEDED = [
  'id',
  'user_id',
  'key',
  'status',
  'name',
  'created_time',
  'expired_time',
  'remain_quota',
  'unlimited_quota',
];

/** Columns that not every version has; without one there is nothing to say. */
const OPTIONAL = [
  'used_quota',
  'models',
  'model_limits_enabled',
  'model_limits',
  'subnet',
  'allow_ips',
  'deleted_at',
];

/** one-api's QuotaPerUnit, unless its options say otherwise: so much quota is a dollar. */
const QUOTA_PER_DOLLAR = 500_000;

/** The type of a row in `logs` that is a request which was served and charged. */
const CONSUMED = 2;

/** one-api and new-api: tokens with a quota in money, and a log of what was charged. */
export function tokens(database: ForeignDatabase): ForeignFile | undefined {
  if (!database.has('tokens', ...NEEDED)) return undefined;
  const isNew = database.has('tokens', 'model_limits');
  const logs = database.has(
    'logs',
    'user_id',
    'created_at',
    'type',
    'token_name',
    'quota',
    'prompt_tokens',
    'completion_tokens',
  );
  return {
    format: `${isNew ? 'new-api' : 'one-api'} (tokens${logs ? ', logs' : ''})`,
    keyCount: database.count('SELECT count(*) FROM tokens'),
    pricedModels: logs && database.has('logs', 'model_name') ? modelsUsed(database) : [],
    *found(reading) {
      const microsPerQuota = 1_000_000 / quotaPerDollar(database);
      const usage = logs ? database.rows(usageSql(database)) : [];
      let attributed = 0;
      for (const { key, rows } of joined(database.rows(keysSql(database)), usage)) {
        for (const { requests } of rows) attributed += Number(requests);
        yield* tokenKey(key, rows, { ...reading, microsPerQuota });
      }
      if (!logs) return;
      const broken = database.count(`SELECT count(*) FROM logs WHERE type = ${CONSUMED} AND NOT (${SOUND})`);
      if (broken > 0) yield usageProblem('has counts or a time that cannot be', 'logs', broken);
      const sound = database.count(`SELECT count(*) FROM logs WHERE type = ${CONSUMED} AND ${SOUND}`);
      if (sound > attributed)
        yield usageProblem(
          'is of a key that is not there, or of one of several with the same name',
          'logs',
          sound - attributed,
        );
    },
    close: database.close,
  };
}

/** Whatever else is in a column, SQLite lets it be. */
const SOUND = ['created_at', 'quota', 'prompt_tokens', 'completion_tokens']
  .map((column) => `logs.${column} BETWEEN 0 AND 1000000000000 AND typeof(logs.${column}) = 'integer'`)
  .join(' AND ')
  // In three-valued logic NOT NULL is NULL: such a row would be counted nowhere.
  .replace(/^(.*)$/, 'ifnull(($1), FALSE)');

function keysSql(database: ForeignDatabase): string {
  const optional = OPTIONAL.map((column) =>
    database.has('tokens', column) ? `t.${column}` : `NULL AS ${column}`,
  );
  const users = database.has('users', 'id', 'quota', 'status');
  const gone = users && database.has('users', 'deleted_at') ? 'u.deleted_at IS NOT NULL' : 'FALSE';
  const owner = users
    ? `u.quota AS balance, u.id IS NULL OR u.status <> 1 OR ${gone} AS is_owner_out`
    : 'NULL AS balance, FALSE AS is_owner_out';
  return `
    SELECT t.rowid AS ref, ${NEEDED.map((column) => `t."${column}"`).join(', ')}, ${optional.join(', ')}, ${owner},
           t.rowid NOT IN (SELECT min(rowid) FROM tokens GROUP BY "key") AS is_second
    FROM tokens t ${users ? 'LEFT JOIN users u ON u.id = t.user_id' : ''}
    ORDER BY t.rowid`;
}

/** new-api notes whose request it was; one-api only by name, which need not be the only one. */
function usageSql(database: ForeignDatabase): string {
  const owner = database.has('logs', 'token_id')
    ? 'tokens t ON t.id = logs.token_id'
    : `(SELECT min(rowid) AS rowid, user_id, name FROM tokens GROUP BY user_id, name HAVING count(*) = 1) t
       ON t.user_id = logs.user_id AND t.name = logs.token_name`;
  return `
    SELECT t.rowid AS ref, logs.created_at / ${SLOT_SECONDS} AS slot, count(*) AS requests, sum(logs.quota) AS quota,
           sum(logs.prompt_tokens) AS prompt, sum(logs.completion_tokens) AS completion
    FROM logs JOIN ${owner}
    WHERE logs.type = ${CONSUMED} AND ${SOUND}
    GROUP BY 1, 2 ORDER BY 1, 2`;
}

/** Enough to see what is missing. */
const MODELS_MAX = 100;

function modelsUsed(database: ForeignDatabase): readonly string[] {
  const sql = `SELECT model_name FROM logs WHERE type = ${CONSUMED} AND model_name <> '' GROUP BY 1 ORDER BY count(*) DESC LIMIT ?`;
  return [...database.rows(sql, MODELS_MAX)].map(({ model_name }) => String(model_name));
}

function quotaPerDollar(database: ForeignDatabase): number {
  if (!database.has('options', 'key', 'value')) return QUOTA_PER_DOLLAR;
  const told = database.count(`SELECT CAST(value AS REAL) FROM options WHERE "key" = 'QuotaPerUnit'`);
  return told > 0 ? told : QUOTA_PER_DOLLAR;
}
