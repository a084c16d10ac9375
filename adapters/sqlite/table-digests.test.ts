import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { SCHEMA_1 } from './schema-1.ts';
import { SCHEMA_2 } from './schema-2.ts';
import { tableDigests } from './table-digests.ts';

const ID = (n: number) => Buffer.from(n.toString(16).padStart(32, '0'), 'hex');

/** A database with these numbers in its ledger, and days of usage, in the order given. */
function databaseOf(numbers: readonly number[], days: readonly string[]): Database.Database {
  const database = new Database(':memory:');
  database.exec(SCHEMA_1 + SCHEMA_2);
  const entry = database.prepare("INSERT INTO ledger VALUES (?, 'reset', NULL, NULL, ?, ?, 0, 0, 0, '{}')");
  for (const n of numbers) entry.run(n, ID(1), n * 10);
  const day = database.prepare("INSERT INTO usage_days VALUES (?, ?, 'm', 1, 1, 0, 0, 1, 1, 0, 0, 5)");
  for (const each of days) day.run(each, ID(1));
  return database;
}

const MANY = Array.from({ length: 1000 }, (_, index) => index + 1);

test('a digest is of the rows, whatever their order', () => {
  const digests = tableDigests(databaseOf(MANY, ['2026-11-24', '2026-11-25']));
  expect(tableDigests(databaseOf(MANY.toReversed(), ['2026-11-25', '2026-11-24']))).toEqual(digests);
  expect(digests['ledger']?.rows).toBe(1000);
  expect(digests['usage_days']?.rows).toBe(2);
  expect(digests['keys']).toEqual({ rows: 0, digest: '0'.repeat(64) });
  expect(Object.keys(digests).sort()).toEqual(
    ['accounts', 'buckets', 'keys', 'ledger', 'operations', 'reservations', 'sponsor', 'usage_days'].sort(),
  );
});

test.each([
  {
    name: 'one more',
    change: "INSERT INTO ledger VALUES (1001, 'reset', NULL, NULL, zeroblob(16), 5, 0, 0, 0, '{}')",
  },
  { name: 'one less', change: 'DELETE FROM ledger WHERE n = 500' },
  { name: 'another number', change: 'UPDATE ledger SET n = 2000 WHERE n = 1000' },
  { name: 'another blob', change: 'UPDATE ledger SET key_id = zeroblob(16) WHERE n = 257' },
  { name: 'another text', change: "UPDATE ledger SET details = '{ }' WHERE n = 256" },
  {
    name: 'two exchanged',
    change: 'UPDATE ledger SET at = CASE n WHEN 1 THEN 20 ELSE 10 END WHERE n IN (1, 2)',
  },
])('and of each of them: $name', ({ change }) => {
  const database = databaseOf(MANY, []);
  const before = tableDigests(database);
  database.exec(change);
  const after = tableDigests(database);
  expect(after['ledger']?.digest).not.toBe(before['ledger']?.digest);
  expect({ ...after, ledger: null }).toEqual({ ...before, ledger: null });
});

test('rows before which many were deleted are found', () => {
  const database = databaseOf(MANY, []);
  database.exec('DELETE FROM ledger WHERE n <= 700');
  expect(tableDigests(database)['ledger']?.rows).toBe(300);
});
