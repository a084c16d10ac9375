import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { calendarOf } from '#core/window.ts';
import { keyNumber, requestsADay, reserving } from '#test/conformance/specimens.ts';
import { committing } from '#test/fakes/committing.ts';
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

/** A writer with one key, of whose database a COMMIT says that it failed, after it was done, while `lie` is at work. */
function lyingWriter() {
  let lying = false;
  const database = committing(openDatabase(join(folder, 'quota.db')), (commit) => {
    commit();
    if (lying) throw new Error('disk I/O error');
  });
  const writer = openWriter(database, CALENDAR, LIMITS);
  writer.answer([['addKey', KEY, null]]);
  const lie = (work: () => unknown) => {
    lying = true;
    const result = work();
    lying = false;
    return result;
  };
  return { writer, lie };
}

function problems(): readonly string[] {
  return examine(join(folder, 'quota.db')).flatMap((check) => check.problems);
}

test('a commit that failed, and reached the disk all the same, is met by the next one', () => {
  const { writer, lie } = lyingWriter();
  expect(lie(() => writer.answer([['execute', reserving(1, KEY)]]))).toMatchObject([{ kind: 'unavailable' }]);
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
  expect(problems()).toEqual([]);
});

test('what such a commit wrote back, without an entry, is not counted again', () => {
  const { writer, lie } = lyingWriter();
  writer.answer([['execute', reserving(1, KEY)]]);
  lie(() => writer.rest());
  writer.close();
  const file = new Database(join(folder, 'quota.db'), { readonly: true });
  expect(file.prepare('SELECT sum(requests) FROM usage_days').pluck().get()).toBe(1);
  file.close();
  expect(problems()).toEqual([]);
});

test('what such a commit changed of a key holds', () => {
  const { writer, lie } = lyingWriter();
  writer.answer([['execute', reserving(1, KEY)]]);
  lie(() => writer.answer([['amendKey', KEY.id, { at: KEY.createdAt, disabled: true }, null]]));
  expect(writer.answer([['execute', reserving(2, KEY)]])).toMatchObject([
    { kind: 'done', value: { admitted: false, denial: { kind: 'key_disabled' } } },
  ]);
  writer.close();
});
