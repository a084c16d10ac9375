import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { operation } from '#test/conformance/specimens.ts';
import { openDatabase } from './database.ts';
import { operationRows } from './operation-rows.ts';

let folder: string;
let database: Database.Database;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quota-proxy-'));
  database = openDatabase(join(folder, 'quota.db'));
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

test.each([
  { attempt: "UPDATE operations SET actor = 'nobody'", says: 'operations are never changed' },
  { attempt: 'DELETE FROM operations', says: 'operations are never deleted' },
])('the database itself refuses: $attempt', ({ attempt, says }) => {
  const operations = operationRows(database);
  operations.append(operation('keys.create'));
  expect(() => database.exec(attempt)).toThrow(says);
  expect(operations.verify()).toEqual({ count: 1, brokenAt: null });
});

test('a change behind the triggers’ back breaks the chain from there on', () => {
  const operations = operationRows(database);
  for (const target of ['a', 'b', 'c']) operations.append(operation('keys.create', target));
  database.exec("DROP TRIGGER operations_stay_as_they_are; UPDATE operations SET target = 'x' WHERE n = 2");
  expect(operations.verify()).toEqual({ count: 3, brokenAt: 2 });
});
