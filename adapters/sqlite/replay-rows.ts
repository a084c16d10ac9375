import type Database from 'better-sqlite3';
import type { Buckets, Sponsor } from '#core/model.ts';
import { CopyBroken, type Replayed } from '#core/snapshot.ts';
import { calendarOf } from '#core/window.ts';
import { readCarried } from './carried-rows.ts';
import { openDatabase } from './database.ts';
import { asBroken, markOf } from './inspect-copy.ts';
import { LIMITS } from './limits.ts';
import { linesOf } from './lines-of.ts';
import { type Column, columnsOf } from './row-json.ts';
import { openWriter } from './writer.ts';

/**
 * Adds the rows in the file `rowsPath` to the copy at `path`, and lets a writer bring all accounts up to date by core's
 * `apply`, as a server does at its start. Afterwards the copy is one file. What is there already must be the same:
 * replaying twice changes nothing. Blocks the thread that it runs in.
 * @throws CopyBroken
 */
export function replayRows(path: string, rowsPath: string, timeZone: string): Replayed {
  try {
    const database = openDatabase(path);
    try {
      database.transaction(() => addRows(database, rowsPath)).immediate();
    } catch (error) {
      database.close();
      throw error;
    }
    const mark = markOf(database);
    // Closes the database, also if it cannot go on.
    const writer = openWriter(database, calendarOf(timeZone), LIMITS);
    const sponsor = sponsorOf(writer.answer([['sponsor']])[0]);
    writer.close();
    return { mark, sponsor };
  } catch (error) {
    throw asBroken(error, path);
  }
}

type Row = Readonly<Record<string, string | number | null>>;

function addRows(database: Database.Database, rowsPath: string): void {
  const add = {
    entry: numberedAdder(database, 'ledger'),
    operation: numberedAdder(database, 'operations'),
    key: upserter(database, 'keys'),
    application: upserter(database, 'applications'),
    sponsor: upserter(database, 'sponsor'),
  };
  for (const line of linesOf(rowsPath)) {
    const [[kind, row] = []] = Object.entries(JSON.parse(line) as Readonly<Record<string, Row>>);
    if (kind === undefined || row === undefined || !Object.hasOwn(add, kind)) {
      throw new CopyBroken(`there is a row of an unknown kind: ${String(kind).slice(0, 40)}`);
    }
    add[kind as keyof typeof add](row);
  }
}

/** Rows with dense numbers: the next one is added, an earlier one is compared unless it was removed meanwhile. */
function numberedAdder(database: Database.Database, table: 'ledger' | 'operations'): (row: Row) => void {
  const columns = columnsOf(database, table);
  const names = columns.map(({ name }) => name);
  const insert = database.prepare(`INSERT INTO ${table} (${names}) VALUES (${names.map(() => '?')})`);
  const find = database.prepare<[number], Readonly<Record<string, unknown>>>(
    `SELECT * FROM ${table} WHERE n = ?`,
  );
  let last = markOf(database)[table === 'ledger' ? 'ledgerN' : 'operationN'];
  const removedThrough = table === 'ledger' ? readCarried(database).state().throughN : 0;
  return (row) => {
    const n = Number(row['n']);
    if (n === last + 1) {
      insert.run(...valuesOf(row, columns));
      last = n;
      return;
    }
    if (!(n <= last)) throw new CopyBroken(`row ${n} of ${table} does not follow row ${last}`);
    const there = find.get(n);
    if (there === undefined && n <= removedThrough) return;
    const isSame = columns.every(({ name, isBlob }) => {
      const value = there?.[name];
      return row[name] === undefined || row[name] === (isBlob && value ? hexOf(value) : value);
    });
    if (!isSame) throw new CopyBroken(`row ${n} of ${table} is another one here: two histories are mixed`);
  };
}

/** Rows that change: the later one is the one that counts. */
function upserter(
  database: Database.Database,
  table: 'keys' | 'applications' | 'sponsor',
): (row: Row) => void {
  const columns = columnsOf(database, table);
  const names = columns.map(({ name }) => name);
  const upsert = database.prepare(
    `INSERT INTO ${table} (${names}) VALUES (${names.map(() => '?')})
     ON CONFLICT (id) DO UPDATE SET ${names.map((name) => `${name} = excluded.${name}`)}`,
  );
  return (row) => void upsert.run(...valuesOf(row, columns));
}

/** A column that an older version did not have keeps its default by being absent there; here it must not be. */
function valuesOf(row: Row, columns: readonly Column[]): unknown[] {
  return columns.map(({ name, isBlob }) => {
    const value = row[name] ?? null;
    return isBlob && typeof value === 'string' ? Buffer.from(value, 'hex') : value;
  });
}

function hexOf(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString('hex') : String(value);
}

function sponsorOf(answer: ReturnType<ReturnType<typeof openWriter>['answer']>[number] | undefined): Buckets {
  if (answer?.kind !== 'done') throw new CopyBroken(answer?.message ?? 'the writer gave no answer');
  return (answer.value as Sponsor).buckets;
}
