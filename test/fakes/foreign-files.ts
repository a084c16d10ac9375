import { writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';

/** Files of other systems, made as those make them. In each Ada has used two of the three requests that she has left. */
export const FOREIGN_FILES = { trialKeys, trialJson, apiKeys, oneApi, newApi } as const;

/** Ada's key as she sends it, by format. */
export const ADA: Readonly<Record<keyof typeof FOREIGN_FILES, string>> = {
  trialKeys: 'trial-ada-0123456789abcdef',
  trialJson: 'trial-ada-0123456789abcdef',
  apiKeys: 'sk-0123456789abcdef0123456789abcdef',
  oneApi: `sk-${'AdaAda01'.repeat(6)}`,
  newApi: `sk-${'AdaAda02'.repeat(6)}`,
};

const DAY_MS = 24 * 60 * 60_000;

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

function sqlTime(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}

function seconds(at: number): number {
  return Math.floor(at / 1000);
}

/** Runs statements of one table; numbers stay integers, as the other system wrote them. */
function filled(path: string, schema: string, rows: Readonly<Record<string, readonly unknown[][]>>): void {
  const database = new Database(path);
  database.pragma('foreign_keys = OFF');
  database.exec(schema);
  for (const [table, values] of Object.entries(rows)) {
    for (const row of values) {
      const insert = database.prepare(`INSERT INTO ${table} VALUES (${row.map(() => '?').join(', ')})`);
      insert.run(row.map((value) => (Number.isInteger(value) ? BigInt(value as number) : value)));
    }
  }
  database.close();
}

function trialKeys(path: string, now: number): void {
  filled(
    path,
    `CREATE TABLE trial_keys (key TEXT, label TEXT, created_at INTEGER, daily_limit INTEGER, is_active INTEGER DEFAULT 1);
     CREATE TABLE usage_stats (trial_key TEXT, day TEXT, requests INTEGER, updated_at INTEGER);`,
    {
      trial_keys: [
        [ADA.trialKeys, '张三', now - 90 * DAY_MS, 3, 1],
        ['trial-bob-0123456789abcdef', 'Bob', now - 90 * DAY_MS, 200, 0],
        ['', 'nobody', now, 200, 1],
        [ADA.trialKeys, 'Ada again', now, 200, 1],
        ['trial-eve-0123456789abcdef', 'Eve', -5, null, 1],
        ['x'.repeat(300), 'Too long', now, 200, 1],
      ],
      usage_stats: [
        [ADA.trialKeys, dayOf(now), 2, now],
        [ADA.trialKeys, dayOf(now - 40 * DAY_MS), 100, now],
        [ADA.trialKeys, '2026-02-31', 5, now],
        [ADA.trialKeys, dayOf(now + 9 * DAY_MS), 5, now],
        ['trial-bob-0123456789abcdef', dayOf(now), -1, now],
        ['trial-gone', dayOf(now), 7, now],
      ],
    },
  );
}

function trialJson(path: string, now: number): void {
  const keys = {
    [ADA.trialJson]: { label: 'Ada', created_at: now - 90 * DAY_MS },
    'trial-bob-0123456789abcdef': { label: 'Bob', created_at: now },
    'trial-bad-0123456789abcdef': 'text',
  };
  const usage = {
    [dayOf(now)]: { [ADA.trialJson]: { requests: 2, updated_at: now }, 'trial-gone': { requests: 1 } },
    [dayOf(now - 40 * DAY_MS)]: { [ADA.trialJson]: { requests: 100, updated_at: now } },
    someday: { [ADA.trialJson]: { requests: 5 } },
  };
  writeFileSync(path, JSON.stringify({ keys, usage }));
}

function apiKeys(path: string, now: number): void {
  const log = (key: string, at: string, status: number) => [key, '/v1/chat/completions', at, 12, status];
  filled(
    path,
    `CREATE TABLE api_keys (key TEXT PRIMARY KEY, label TEXT, total_quota INTEGER, used_quota INTEGER, created_at DATETIME, expires_at DATETIME);
     CREATE TABLE usage_log (api_key TEXT, endpoint TEXT, timestamp DATETIME, response_time INTEGER, status_code INTEGER);`,
    {
      api_keys: [
        [ADA.apiKeys, 'Ada', 100, 99, sqlTime(now - 90 * DAY_MS), sqlTime(now + 90 * DAY_MS)],
        ['sk-bob-0123456789abcdef', 'Bob', 100, 1, sqlTime(now - 90 * DAY_MS), null],
        ['sk-eve-0123456789abcdef', 'Eve', 100, -3, sqlTime(now), null],
      ],
      usage_log: [
        log(ADA.apiKeys, sqlTime(now), 200),
        log(ADA.apiKeys, sqlTime(now), 502),
        log(ADA.apiKeys, 'yesterday', 200),
        log('sk-bob-0123456789abcdef', sqlTime(now - 2 * DAY_MS), 200),
        log('sk-bob-0123456789abcdef', sqlTime(now - DAY_MS), 500),
        log('sk-gone', sqlTime(now), 200),
      ],
    },
  );
}

const LOG_COLUMNS =
  "id INTEGER PRIMARY KEY, user_id INTEGER, created_at BIGINT, type INTEGER, token_name TEXT DEFAULT '', model_name TEXT DEFAULT '', quota INTEGER DEFAULT 0, prompt_tokens INTEGER DEFAULT 0, completion_tokens INTEGER DEFAULT 0";

/** A user's balance is 50 dollars' worth for Ada's owner, and the other one is disabled. */
const USERS = `CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT, status INTEGER, quota BIGINT);
INSERT INTO users VALUES (1, 'root', 1, 25000000), (2, 'out', 2, 25000000);`;

function oneApi(path: string, now: number): void {
  const token = (id: number, key: string, name: string, more: readonly unknown[], user = 1) => {
    return [id, user, key, ...more.slice(0, 1), name, seconds(now - 90 * DAY_MS), 0, ...more.slice(1)];
  };
  filled(
    path,
    `CREATE TABLE tokens (id INTEGER PRIMARY KEY, user_id INTEGER, "key" CHAR(48) UNIQUE, status INTEGER, name TEXT, created_time BIGINT, accessed_time BIGINT, expired_time BIGINT, remain_quota BIGINT, unlimited_quota NUMERIC, used_quota BIGINT, models TEXT, subnet TEXT);
     CREATE TABLE logs (${LOG_COLUMNS}); ${USERS}
     CREATE TABLE options ("key" TEXT PRIMARY KEY, value TEXT); INSERT INTO options VALUES ('QuotaPerUnit', '500000');`,
    {
      tokens: [
        token(1, ADA.oneApi.slice(3), 'Ada', [1, -1, 500_000, 0, 750_000, 'demo,other', '']),
        token(2, 'Unlimited'.repeat(5), 'Unlimited', [1, -1, 0, 1, 0, null, '10.0.0.0/8,127.0.0.1']),
        token(3, 'Used'.repeat(12), 'Used up', [4, -1, 0, 0, 100, null, null]),
        token(4, 'Outs'.repeat(12), 'Of one who is out', [1, -1, 100, 0, 0, null, null], 2),
        token(5, 'Netw'.repeat(12), 'Bad range', [1, -1, 100, 0, 0, null, 'everywhere']),
        token(6, 'Twin'.repeat(12), 'Twin', [1, -1, 100, 0, 0, null, null]),
        token(7, 'Nowt'.repeat(12), 'Twin', [1, -1, 100, 0, 0, null, null]),
      ],
      logs: [
        [1, 1, seconds(now), 2, 'Ada', 'demo', 100_000, 1000, 500],
        [2, 1, seconds(now), 2, 'Ada', 'demo', 150_000, 1000, 500],
        [3, 1, seconds(now - 40 * DAY_MS), 2, 'Ada', 'demo', 250_000, 20, 10],
        [4, 1, seconds(now), 1, 'Ada', '', 9_000_000, 0, 0],
        [5, 1, seconds(now), 2, 'Twin', 'demo', 10, 1, 1],
        [6, 1, seconds(now), 2, 'Ada', 'demo', -10, 1, 1],
        [7, 1, 3, 2, 'Ada', 'demo', 10, 1, 1],
        [8, 1, seconds(now), 2, 'Nobody', 'demo', 10, 1, 1],
      ],
    },
  );
}

function newApi(path: string, now: number): void {
  const token = (
    id: number,
    key: string,
    name: string,
    expiry: number,
    limits: readonly unknown[],
    deleted: string | null,
  ) => {
    const terms = [expiry, 500_000, 0, ...limits, 500_000, 'default', deleted];
    return [id, 1, key, 1, name, seconds(now - 90 * DAY_MS), 0, ...terms];
  };
  filled(
    path,
    `CREATE TABLE tokens (id INTEGER PRIMARY KEY, user_id INTEGER, "key" CHAR(48) UNIQUE, status INTEGER, name TEXT, created_time BIGINT, accessed_time BIGINT, expired_time BIGINT, remain_quota INTEGER, unlimited_quota NUMERIC, model_limits_enabled NUMERIC, model_limits TEXT, allow_ips TEXT, used_quota INTEGER, "group" TEXT, deleted_at DATETIME);
     CREATE TABLE logs (${LOG_COLUMNS}, token_id INTEGER DEFAULT 0); ${USERS}`,
    {
      tokens: [
        token(
          1,
          ADA.newApi.slice(3),
          'Ada',
          seconds(now + 90 * DAY_MS),
          [1, 'demo,other', '127.0.0.1\n10.0.0.0/8'],
          null,
        ),
        token(2, 'Gone'.repeat(12), 'Deleted', -1, [0, '', ''], sqlTime(now)),
        token(3, 'None'.repeat(12), 'No models', -1, [1, '', ''], null),
        token(4, 'Past'.repeat(12), 'Expired', seconds(now - DAY_MS), [0, 'demo', null], null),
      ],
      logs: [
        [1, 1, seconds(now), 2, 'renamed since', 'demo', 300_000, 1000, 500, 1],
        [2, 1, seconds(now), 2, 'Ada', 'demo', 50, 1, 1, 0],
        [3, 1, seconds(now), 5, 'Ada', 'demo', 0, 0, 0, 1],
      ],
    },
  );
}
