import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { calendarOf } from '#core/window.ts';
import { keyNumber, requestsADay, reserving } from '#test/conformance/specimens.ts';
import { openDatabase } from './database.ts';
import { examine } from './doctor.ts';
import { LIMITS } from './limits.ts';
import { openWriter } from './writer.ts';

const CALENDAR = calendarOf('UTC');
const KEY = keyNumber(1, { quotas: requestsADay(500) });

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'transactions-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The real database, of which a COMMIT says that it failed, where `lies` says so, after it was done. */
function lyingDatabase(lies: () => boolean): Database.Database {
  const database = openDatabase(join(folder, 'quota.db'));
  const prepare = (sql: string) => {
    const statement = database.prepare(sql);
    if (sql !== 'COMMIT') return statement;
    const run = () => {
      const done = statement.run();
      if (lies()) throw new Error('disk I/O error');
      return done;
    };
    return { run };
  };
  return new Proxy(database, {
    get(target, name) {
      if (name === 'prepare') return prepare;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

test('a commit that failed, and reached the disk all the same, is met by the next one', () => {
  let lying = false;
  const writer = openWriter(
    lyingDatabase(() => lying),
    CALENDAR,
    LIMITS,
  );
  writer.answer([['addKey', KEY, null]]);
  lying = true;
  expect(writer.answer([['execute', reserving(1, KEY)]])).toMatchObject([{ kind: 'unavailable' }]);
  lying = false;
  expect(writer.answer([['execute', reserving(2, KEY)]])).toMatchObject([
    { kind: 'done', value: { admitted: true } },
  ]);
  expect(writer.answer([['account', { id: KEY.id }]])).toMatchObject([
    {
      kind: 'done',
      value: { open: [{ id: reserving(1, KEY).requestId }, { id: reserving(2, KEY).requestId }] },
    },
  ]);
  writer.close();
  expect(examine(join(folder, 'quota.db'), CALENDAR).flatMap(({ problems }) => problems)).toEqual([]);
});
