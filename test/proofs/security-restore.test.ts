import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { restoreFile } from '#adapters/container/compose-restore.ts';
import { openDatabase } from '#adapters/sqlite/database.ts';
import { describeCopy } from '#adapters/sqlite/inspect-copy.ts';
import { CopyBroken } from '#core/snapshot.ts';

let directory: string;
let copy: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'foreign-schema-'));
  openDatabase(join(directory, 'sound.db')).close();
});

beforeEach(() => {
  copy = join(mkdtempSync(join(directory, 'copy-')), 'quota.db');
  copyFileSync(join(directory, 'sound.db'), copy);
});

afterAll(() => rmSync(directory, { recursive: true }));

function change(sql: string): void {
  const database = new Database(copy);
  database.unsafeMode(true);
  database.exec(sql).close();
}

const TEXT_OF = (name: string, from: string, to: string) => `PRAGMA writable_schema = ON;
  UPDATE sqlite_schema SET sql = replace(sql, '${from}', '${to}') WHERE name = '${name}'`;

describe('S16: a copy is refused whose schema would run something of somebody else', () => {
  test.each([
    {
      what: 'a trigger',
      sql: 'CREATE TRIGGER t AFTER INSERT ON ledger BEGIN DELETE FROM keys; END',
      says: /trigger "t"/,
    },
    {
      what: 'a trigger of a view',
      sql: 'CREATE VIEW v AS SELECT 1 AS a; CREATE TRIGGER t INSTEAD OF INSERT ON v BEGIN DELETE FROM keys; END',
      says: /trigger "t"/,
    },
    {
      what: 'a trigger of ours that does less',
      sql: TEXT_OF('operations_stay', 'BEFORE DELETE', 'AFTER DELETE'),
      says: /operations_stay is another one/,
    },
    {
      what: 'a trigger of ours that is gone',
      sql: 'DROP TRIGGER operations_stay',
      says: /operations_stay is another one/,
    },
    {
      what: 'an index that computes',
      sql: 'CREATE INDEX i ON keys (abs(length(label)))',
      says: /index of a table of ours "i"/,
    },
    {
      what: 'an index that makes keys unique',
      sql: 'CREATE UNIQUE INDEX i ON keys (label)',
      says: /index of a table of ours "i"/,
    },
    { what: 'a virtual table', sql: 'CREATE VIRTUAL TABLE f USING fts5(a)', says: /virtual table "f"/ },
    {
      what: 'a table of ours with another CHECK',
      sql: TEXT_OF('keys', 'disabled IN (0, 1)', 'disabled > -1'),
      says: /keys is another one/,
    },
    {
      what: 'a view in the place of a table',
      sql: 'DROP TABLE backup_state; CREATE VIEW backup_state AS SELECT 1 AS a',
      says: /backup_state is another one/,
    },
    {
      what: 'a view of ours that says something else',
      sql: 'DROP VIEW balances; CREATE VIEW balances AS SELECT 1',
      says: /balances is another one/,
    },
  ])('$what', ({ sql, says }) => {
    change(sql);
    expect(() => describeCopy(copy)).toThrow(says);
    expect(() => describeCopy(copy)).toThrow(CopyBroken);
  });

  test('and it comes nowhere near the place of the database', async () => {
    change('CREATE TRIGGER t AFTER INSERT ON ledger BEGIN DELETE FROM keys; END');
    const storePath = join(directory, 'place', 'quota.db');
    const place = { storePath, timeZone: 'UTC', file: null, force: false };
    await expect(restoreFile(copy, place, null)).rejects.toThrow(/trigger "t"/);
    expect(existsSync(storePath)).toBe(false);
  });

  test('the control: as it was made, and with tables and views of an operator’s own, it is read', () => {
    expect(describeCopy(copy).schema).toBeGreaterThan(0);
    change(
      'CREATE TABLE notes (a, b); CREATE INDEX of_notes ON notes (a); CREATE VIEW v AS SELECT * FROM keys',
    );
    expect(describeCopy(copy).schema).toBeGreaterThan(0);
  });
});
