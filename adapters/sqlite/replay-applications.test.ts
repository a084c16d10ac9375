import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Application, Approval } from '#core/applications.ts';
import { keyUnder } from '#core/applications.ts';
import { calendarOf } from '#core/window.ts';
import { DAY_MS, idOf, keyNumber, operation } from '#test/conformance/specimens.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { problemsOf } from '#test/faults/ledger-file.ts';
import { auditCopy } from './audit-copy.ts';
import { copyDatabase } from './copy-database.ts';
import { describeCopy } from './inspect-copy.ts';
import { openSqlite, type SqliteStore } from './open-sqlite.ts';
import { replayRows } from './replay-rows.ts';

let folder: string;
let store: SqliteStore;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'replay-'));
  store = await openSqlite({ path: join(folder, 'quota.db'), calendar: calendarOf('UTC') });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

function applicationNumber(n: number): Application {
  const digest = n.toString(16).padStart(64, '0');
  const said = { name: `n${n}`, contact: null, reason: null };
  return { id: idOf('request', n), digest, ...said, madeAt: NOON, verdict: null, claim: null };
}

const APPROVAL: Approval = {
  kind: 'approved',
  at: NOON,
  by: 'admin@::1',
  terms: {
    ...{ label: '', expiry: { kind: 'never' }, quotas: [], models: null, ips: null, metadata: {} },
    ...{ requestsPerMinute: null, maxConcurrency: null },
  },
};
const ID = idOf('request', 1);

test('applications, verdicts and claims of after a copy was made come with the other rows', async () => {
  await store.applications.add(applicationNumber(1), 9);
  const { through: mark } = (await store.history.rowsAfter(NOTHING, 99)) ?? expect.fail();
  const path = join(folder, 'copy.db');
  copyDatabase(join(folder, 'quota.db'), path);
  await store.applications.decide(ID, APPROVAL, operation('applications.approve', ID));
  const key = keyUnder(APPROVAL.terms, keyNumber(1), NOON + 1);
  await store.applications.claim(ID, keyNumber(1), NOON + 1, operation('applications.claim', ID));
  await store.applications.add(applicationNumber(2), 9);
  const rows = join(folder, 'rows.jsonl');
  writeFileSync(rows, (await store.history.rowsAfter(mark, 99))?.text ?? '');

  replayRows(path, rows, 'UTC');
  expect(problemsOf(path)).toEqual([]);
  expect(auditCopy(path)).toEqual([]);
  const restored = await openSqlite({ path, calendar: calendarOf('UTC') });
  const everything = (of: SqliteStore) => of.applications.list({ at: NOON, limit: 9 });
  expect(await everything(restored)).toEqual(await everything(store));
  expect(await restored.applications.find({ id: ID })).toMatchObject({ claim: { keyId: key.id } });
  expect((await restored.keys.account({ digest: key.digest }))?.key).toEqual(key);
  expect(await restored.applications.claim(ID, keyNumber(2), NOON + 2, null)).toMatchObject({ done: false });
  await restored.close();
});

test('where rows are cut between a key and the claim that made it, the key comes first: it is never lost', async () => {
  await store.applications.add(applicationNumber(1), 9);
  await store.applications.decide(ID, APPROVAL, null);
  const { through: mark } = (await store.history.rowsAfter(NOTHING, 99)) ?? expect.fail();
  await store.applications.claim(ID, keyNumber(1), NOON, null);
  const first = await store.history.rowsAfter(mark, 1);
  expect(first?.text).toMatch(/^\{"key":\{[^\n]*\n$/);
  const second = await store.history.rowsAfter(first?.through ?? mark, 1);
  expect(second?.text).toMatch(/^\{"application":\{[^\n]*"claimed_at":\d+/);
});

test('one that was forgotten before it was shipped is in no row, and keeps no other from being shipped', async () => {
  const { through: mark } = (await store.history.rowsAfter(NOTHING, 99)) ?? { through: NOTHING };
  const path = join(folder, 'copy.db');
  copyDatabase(join(folder, 'quota.db'), path);
  await store.applications.add(applicationNumber(1), 9);
  await store.applications.forget({ before: NOON + 31 * DAY_MS, after: null, lookMax: 9 });
  const alone = await store.history.rowsAfter(mark, 99);
  expect(alone).toMatchObject({ text: '', rows: 0 });
  await store.applications.add(applicationNumber(2), 9);
  const rows = join(folder, 'rows.jsonl');
  const shipped = await store.history.rowsAfter(mark, 99);
  writeFileSync(rows, shipped?.text ?? '');
  expect(shipped?.text).toMatch(/^\{"application":\{[^\n]*\n$/);
  expect(replayRows(path, rows, 'UTC').mark).not.toEqual(NOTHING);
  writeFileSync(rows, alone?.text ?? 'none');
  replayRows(path, rows, 'UTC');
  expect(problemsOf(path)).toEqual([]);
});

test('a changed application changes the digest of its table', async () => {
  const digest = (name: string) => {
    copyDatabase(join(folder, 'quota.db'), join(folder, name));
    return describeCopy(join(folder, name)).tables['applications'];
  };
  await store.applications.add(applicationNumber(1), 9);
  const before = digest('before.db');
  await store.applications.decide(ID, APPROVAL, null);
  const after = digest('after.db');
  expect([before?.rows, after?.rows]).toEqual([1, 1]);
  expect(after?.digest).not.toBe(before?.digest);
});

const NOTHING = { ledgerN: 0, operationN: 0, keyChangeN: 0 };
