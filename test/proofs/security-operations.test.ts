import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '#adapters/sqlite/database.ts';
import { examine } from '#adapters/sqlite/doctor.ts';
import { openSqlite } from '#adapters/sqlite/open-sqlite.ts';
import { chained } from '#core/operation.ts';
import { NOTHING_SHIPPED } from '#core/snapshot.ts';
import { calendarOf } from '#core/window.ts';
import { adminOf } from '#test/fakes/admin.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';

const CALENDAR = calendarOf('UTC');
const COUNT = 5;

let directory: string;
let path: string;
let proxy: ProxyUnderTest | undefined;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'operations-'));
  path = join(directory, 'sound.db');
  await start();
  for (let n = 1; n <= COUNT; n += 1) {
    await verifying().keys.create({ body: { label: `key ${n}`, daily_limit: n } });
  }
  await stop();
});

beforeEach(() => {
  path = join(mkdtempSync(join(directory, 'copy-')), 'quota.db');
  copyFileSync(join(directory, 'sound.db'), path);
});

afterEach(() => stop());

afterAll(() => rmSync(directory, { recursive: true }));

async function start(): Promise<void> {
  const openStore = () => openSqlite({ path, calendar: CALENDAR });
  proxy = await openProxy({ behaviour: (_call, reply) => sendJson(reply, completion(1, 1)), openStore });
}

async function stop(): Promise<void> {
  await proxy?.close();
  proxy = undefined;
}

function verifying() {
  if (proxy === undefined) throw new Error('it is not started');
  return adminOf(proxy);
}

/** Somebody with the file: no trigger, no CHECK is in their way. */
function tamper(sql: string): void {
  const outsider = new Database(path);
  outsider.pragma('ignore_check_constraints = ON');
  outsider.exec(`DROP TRIGGER operations_stay_as_they_are; DROP TRIGGER operations_stay; ${sql}`);
  outsider.exec(TRIGGERS).close();
}

/** As they were: what is found is found by the chain. */
const TRIGGERS = `
CREATE TRIGGER operations_stay_as_they_are BEFORE UPDATE ON operations
BEGIN SELECT RAISE(ABORT, 'operations are never changed'); END;
CREATE TRIGGER operations_stay BEFORE DELETE ON operations
BEGIN SELECT RAISE(ABORT, 'operations are never deleted'); END;`;

function found(): readonly string[] {
  const check = examine(path).find(({ name }) => name === 'operations');
  return check?.problems ?? ['there is no such check'];
}

/** A row in the place of number 3 that is right in itself: with the hash that it should have. */
function forged(): string {
  const database = new Database(path, { readonly: true });
  const before = database.prepare('SELECT hash FROM operations WHERE n = 2').pluck().get() as string;
  database.close();
  const draft = { at: 1, actor: 'admin@203.0.113.7', action: 'keys.create', target: 'all', details: {} };
  const hash = createHash('sha256')
    .update(chained(3, draft, before))
    .digest('hex');
  return `(3, 1, '${draft.actor}', 'keys.create', 'all', '{}', '${before}', '${hash}')`;
}

const SWAP = `UPDATE operations SET n = -2 WHERE n = 2; UPDATE operations SET n = 2 WHERE n = 4;
  UPDATE operations SET n = 4 WHERE n = -2`;
const INSERT_AGAIN = `INSERT INTO operations SELECT 6, at, actor, action, target, details, previous_hash, hash
  FROM operations WHERE n = 5`;

describe('S13: whatever is done to the operation log behind the server is found, and named', () => {
  test.each([
    { what: 'at', sql: () => 'UPDATE operations SET at = at - 1 WHERE n = 3', n: 3 },
    { what: 'actor', sql: () => "UPDATE operations SET actor = 'admin@::1' WHERE n = 3", n: 3 },
    { what: 'action', sql: () => "UPDATE operations SET action = 'keys.delete' WHERE n = 3", n: 3 },
    { what: 'target', sql: () => "UPDATE operations SET target = 'all' WHERE n = 3", n: 3 },
    { what: 'details', sql: () => `UPDATE operations SET details = '{"label":"x"}' WHERE n = 3`, n: 3 },
    {
      what: 'the spelling of details',
      sql: () => "UPDATE operations SET details = ' ' || details WHERE n = 3",
      n: 3,
    },
    { what: 'details that are no JSON', sql: () => "UPDATE operations SET details = '{' WHERE n = 3", n: 3 },
    { what: 'previous_hash', sql: () => 'UPDATE operations SET previous_hash = hash WHERE n = 3', n: 3 },
    { what: 'hash', sql: () => 'UPDATE operations SET hash = previous_hash WHERE n = 3', n: 3 },
    { what: 'n', sql: () => 'UPDATE operations SET n = 30 WHERE n = 5', n: 30 },
    { what: 'the first row deleted', sql: () => 'DELETE FROM operations WHERE n = 1', n: 2 },
    { what: 'a middle row deleted', sql: () => 'DELETE FROM operations WHERE n = 3', n: 4 },
    { what: 'the last but one deleted', sql: () => 'DELETE FROM operations WHERE n = 4', n: 5 },
    { what: 'two rows swapped', sql: () => SWAP, n: 2 },
    { what: 'a row inserted again', sql: () => INSERT_AGAIN, n: 6 },
    {
      what: 'a row replaced, with a hash that is right',
      sql: () => `REPLACE INTO operations VALUES ${forged()}`,
      n: 4,
    },
  ])('$what', ({ sql, n }) => {
    tamper(sql());
    expect(found()).toEqual([`operation ${n} does not follow from the one before`]);
    // And no server starts on it.
    expect(() => openDatabase(path)).toThrow(`operation ${n} does not follow`);
  });

  test('the control: left alone it is sound, and the API says so, while it runs and after', async () => {
    expect(found()).toEqual([]);
    await start();
    expect(await verifying().operations.verify()).toEqual({ ok: true, count: COUNT, broken_at: null });
  });

  test('beside a running server the API finds it', async () => {
    await start();
    tamper("UPDATE operations SET actor = 'nobody' WHERE n = 2");
    expect(await verifying().operations.verify()).toEqual({ ok: false, count: COUNT, broken_at: 2 });
  });

  test('an end that was cut off is missed where a backup has it, and only there', () => {
    tamper('DELETE FROM operations WHERE n > 3');
    expect(found()).toEqual([]);
    const mark = { ledgerN: 0, operationN: COUNT, keyChangeN: 0 };
    const shipped = { segment: 1, sha256: '', mark, cutAt: 0 };
    const state = JSON.stringify({ ...NOTHING_SHIPPED, claim: 'a', shipped });
    tamper(`INSERT INTO backup_state VALUES ('file:///backups', '${state}')`);
    expect(found()).toEqual(['operation 4 is missing']);
  });
});
