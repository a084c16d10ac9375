import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Instant } from '#core/model.ts';
import { StoreUnavailable } from '#core/ports.ts';
import type { BackupState } from '#core/snapshot.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { ADMIN_TOKEN, METRICS_TOKEN } from '#test/fakes/policy.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';
import { createApp } from './app.ts';
import type { BackupStatus, Backups } from './backup/backups.ts';
import type { Services } from './services.ts';

const HOUR_MS = 3_600_000;
const MARK = { ledgerN: 0, operationN: 0, keyChangeN: 0 };
const STATE: BackupState = {
  claim: 'c',
  shipped: { segment: 1, sha256: '', mark: MARK, cutAt: NOON },
  pending: null,
  snapshot: { id: 's', at: NOON - HOUR_MS, recipient: null },
  drill: { snapshotId: 's', at: NOON - 2 * HOUR_MS, durationMs: 1_500, segments: 0, problems: [] },
};
const STATUS: BackupStatus = {
  location: 'file:///backups',
  lineage: { id: 'l', parent: null },
  recipient: null,
  state: STATE,
  unshippedRows: 5,
  unshippedMs: 750,
  abilities: null,
  troubles: [{ task: 'drill', at: NOON, message: 'The "vault" is away.' }],
  counts: {
    backup: { done: 4, failed: 0 },
    segment: { done: 3, failed: 0 },
    drill: { done: 1, failed: 2 },
    prune: { done: 0, failed: 0 },
  },
};

let proxy: ProxyUnderTest;

beforeAll(async () => {
  proxy = await openProxy({ behaviour: (_call, response) => sendJson(response, completion(3, 4)) });
});

afterAll(() => proxy.close());

interface Asked {
  readonly token?: string | null;
  readonly services?: Partial<Services>;
}

/** Asks as the admin, unless another token or none is given. */
async function ask({ token = ADMIN_TOKEN, services = {} }: Asked = {}) {
  const app = createApp({ ...proxy.services, ...services });
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const request = new Request('http://proxy.test/metrics', { headers });
  const env = { address: '127.0.0.1', ready: true };
  const response = await app.fetch(request, env, { waitUntil() {} });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Backups that can only be asked how they are. */
function backupsWith(changes: Partial<BackupStatus>, asked: Instant[] = []): Backups {
  const no = () => Promise.reject(new Error('only their status was to be asked for'));
  return {
    backUp: no,
    backUpIfDue: no,
    ship: no,
    drill: no,
    drillIfDue: no,
    prune: no,
    catalog: no,
    async status(at) {
      asked.push(at);
      return { ...STATUS, ...changes };
    },
  };
}

const COUNTED =
  /^quota_proxy_(abnormal_access|requests|request_duration|tokens|cost|estimates|added|upstream|store_commit)_/;

/** Our own figures, without what describes them, and without what counts calls. */
function ownLines(text: string): string[] {
  return text.split('\n').filter((line) => line.startsWith('quota_proxy_') && !COUNTED.test(line));
}

describe('who may read the metrics', () => {
  test.each([
    { who: 'the admin', token: ADMIN_TOKEN, status: 200 },
    { who: 'who has the token for them', token: METRICS_TOKEN, status: 200 },
    { who: 'nobody without a token', token: null, status: 401 },
    { who: 'nobody with another', token: `${METRICS_TOKEN}x`, status: 401 },
    { who: 'nobody with an empty one', token: '', status: 401 },
  ])('$who: $status', async ({ token, status }) => {
    const reply = await ask({ token });
    expect(reply.status).toBe(status);
    expect(reply.text.includes('quota_proxy_')).toBe(status === 200);
  });

  test('nobody with the key of a user', async () => {
    const { secret } = await proxy.issue();
    expect((await ask({ token: secret })).status).toBe(401);
  });

  test('a refusal is that of the admin API', async () => {
    const { text, headers } = await ask({ token: null });
    expect(JSON.parse(text).error).toMatchObject({
      type: 'authentication_error',
      code: 'invalid_admin_token',
    });
    expect(headers.get('www-authenticate')).toBe('Bearer');
  });

  test('the token for them opens nothing of the admin', async () => {
    const headers = { authorization: `Bearer ${METRICS_TOKEN}` };
    expect((await proxy.fetch('/admin/status', { headers })).status).toBe(401);
    expect((await proxy.fetch('/admin/nothing', { headers })).status).toBe(401);
  });

  test('without such a token the admin alone', async () => {
    const services = { policy: { ...proxy.services.policy, metricsTokens: [] } };
    expect((await ask({ token: METRICS_TOKEN, services })).status).toBe(401);
    expect((await ask({ services })).status).toBe(200);
  });
});

test('it is the text format of Prometheus, and not to be kept', async () => {
  const { headers } = await ask();
  expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(headers.get('cache-control')).toBe('no-store');
});

test('without backups: the program, the store, and that none are made', async () => {
  const status = { sizeBytes: 8_192, walBytes: 1_024, diskFreeBytes: 1e9, openReservations: 2 };
  const health = {
    check: proxy.services.health.check,
    status: async () => ({ ...(await proxy.services.health.status()), ...status }),
  };
  const { text } = await ask({ services: { health } });
  expect(ownLines(text)).toEqual([
    'quota_proxy_build_info{version="0.0.0-test"} 1',
    'quota_proxy_open_reservations 2',
    'quota_proxy_keys 1',
    'quota_proxy_ledger_entries 0',
    'quota_proxy_ledger_removed_entries_total 0',
    'quota_proxy_store_size_bytes 8192',
    'quota_proxy_store_wal_bytes 1024',
    'quota_proxy_disk_free_bytes 1000000000',
    'quota_proxy_backup_enabled 0',
  ]);
});

test('with backups: how they are at this instant', async () => {
  const asked: Instant[] = [];
  const { text } = await ask({ services: { backups: backupsWith({}, asked) } });
  expect(asked).toEqual([NOON]);
  expect(ownLines(text).slice(8)).toEqual([
    'quota_proxy_backup_enabled 1',
    'quota_proxy_backup_runs_total{task="backup",outcome="done"} 4',
    'quota_proxy_backup_runs_total{task="backup",outcome="failed"} 0',
    'quota_proxy_backup_runs_total{task="segment",outcome="done"} 3',
    'quota_proxy_backup_runs_total{task="segment",outcome="failed"} 0',
    'quota_proxy_backup_runs_total{task="drill",outcome="done"} 1',
    'quota_proxy_backup_runs_total{task="drill",outcome="failed"} 2',
    'quota_proxy_backup_runs_total{task="prune",outcome="done"} 0',
    'quota_proxy_backup_runs_total{task="prune",outcome="failed"} 0',
    'quota_proxy_backup_failing{task="backup"} 0',
    'quota_proxy_backup_failing{task="segment"} 0',
    'quota_proxy_backup_failing{task="drill"} 1',
    'quota_proxy_backup_failing{task="prune"} 0',
    `quota_proxy_backup_last_success_timestamp_seconds ${(NOON - HOUR_MS) / 1000}`,
    'quota_proxy_backup_age_seconds 3600',
    'quota_proxy_backup_unshipped_rows 5',
    'quota_proxy_backup_unshipped_age_seconds 0.75',
    `quota_proxy_backup_drill_last_timestamp_seconds ${(NOON - 2 * HOUR_MS) / 1000}`,
    'quota_proxy_backup_drill_age_seconds 7200',
    'quota_proxy_backup_drill_ok 1',
    'quota_proxy_backup_drill_duration_seconds 1.5',
  ]);
});

test.each([
  { when: 'before the vault was ever reached', state: undefined },
  { when: 'before the first backup', state: { ...STATE, shipped: null, snapshot: null, drill: null } },
])('$when only the tasks are told', async ({ state }) => {
  const { text } = await ask({ services: { backups: backupsWith({ state, unshippedRows: 0 }) } });
  const told = ownLines(text).filter((line) => line.includes('_backup_'));
  expect(told).toHaveLength(13);
  expect(told.every((line) => /_(enabled|runs_total|failing)\b/.test(line))).toBe(true);
});

test('a backup that did not restore is told', async () => {
  const drill = { snapshotId: 's', at: NOON, durationMs: 1, segments: 0, problems: ['a row is missing'] };
  const { text } = await ask({ services: { backups: backupsWith({ state: { ...STATE, drill } }) } });
  expect(text).toContain('\nquota_proxy_backup_drill_ok 0\n');
});

describe('a store that cannot be asked is 503, and nothing of its inside is told', () => {
  const lost = () => Promise.reject(new StoreUnavailable('/data/quota.db: disk full'));
  test.each([
    { what: 'itself', services: { health: { check: lost, status: lost } } },
    { what: 'about its backups', services: { backups: { ...backupsWith({}), status: lost } } },
  ])('$what', async ({ services }) => {
    const { status, text } = await ask({ services });
    expect(status).toBe(503);
    expect(JSON.parse(text).error.code).toBe('store_unavailable');
    expect(text).not.toContain('quota.db');
  });
});
