import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '#adapters/sqlite/database.ts';
import { APPLICATION_ID, applyStep, MIGRATIONS, migrate } from '#adapters/sqlite/migrations.ts';
import { refuseOtherSchema } from '#adapters/sqlite/own-schema.ts';
import { memoryFolder } from '#test/fakes/memory-folder.ts';
import { bundleScript, runScript, severalAtATime } from './bundled-script.ts';
import { FIRST_SCHEMA_ROWS } from './first-schema-rows.ts';
import { problemsOf, readDatabase } from './ledger-file.ts';

const LATEST = MIGRATIONS.length;

/** A database of each schema, by its number; 0 is a file that nobody has written to. */
let folder: string;
let script: string;
beforeAll(async () => {
  folder = memoryFolder('migration-kill');
  for (let schema = 0; schema < LATEST; schema += 1) makeTemplate(schema);
  script = await bundleScript(MIGRATING, join(folder, 'migrating.cjs'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each(Array.from({ length: LATEST }, (_, before) => ({ before, after: before + 1 })))(
  'D14: killed at each statement on the way to schema $after, a database has schema $before or that, with all its rows',
  async ({ before, after }) => {
    const statements = statementsFrom(before);
    const commit = statements.indexOf('COMMIT');
    expect(commit).toBeGreaterThan(3);
    // Before each statement of the step, and, where there is one, before the first of the next.
    const kills = Array.from({ length: Math.min(commit + 2, statements.length) }, (_, at) => at + 1);
    const found = await severalAtATime(kills, async (nth) => {
      const path = copyOf(before);
      await killedAt(path, nth, 'as it is');
      return stateOf(path);
    });
    const isCommitted = kills.map((nth) => nth > commit + 1);
    expect(found).toEqual(
      isCommitted.map((committed) => ({ schema: committed ? after : before, isWhole: true })),
    );
  },
  60_000,
);

test('D14: the same kills leave something between, where a step is no transaction', async () => {
  const found = await severalAtATime([8, 15], async (nth) => {
    const path = copyOf(0);
    await killedAt(path, nth, 'in no transaction');
    return stateOf(path);
  });
  expect(found.map(({ isWhole }) => isWhole)).toEqual([false, false]);
});

test('D14: a program that knows one schema less refuses, and changes nothing', () => {
  const path = join(folder, 'newer.db');
  openDatabase(path).close();
  const newer = new Database(path);
  newer.pragma(`user_version = ${LATEST + 1}`);
  newer.close();
  expect(() => openDatabase(path)).toThrow(
    `has schema ${LATEST + 1}, and this version of quota-proxy knows ${LATEST}`,
  );
  expect(readDatabase(path, (database) => database.pragma('user_version', { simple: true }))).toBe(
    LATEST + 1,
  );
});

function makeTemplate(schema: number): void {
  const database = new Database(templateOf(schema));
  database.pragma('journal_mode = WAL');
  for (const [index, sql] of MIGRATIONS.slice(0, schema).entries()) {
    applyStep(database, sql);
    if (index === 0) database.exec(FIRST_SCHEMA_ROWS);
  }
  if (schema > 0) database.pragma(`application_id = ${APPLICATION_ID}`);
  database.pragma(`user_version = ${schema}`);
  database.close();
}

function templateOf(schema: number): string {
  return join(folder, `schema-${schema}.db`);
}

let copies = 0;
function copyOf(schema: number): string {
  const path = join(folder, `copy-${copies++}.db`);
  copyFileSync(templateOf(schema), path);
  return path;
}

/** What a migration from this schema to the latest executes, in order. */
function statementsFrom(schema: number): readonly string[] {
  const statements: string[] = [];
  const database = new Database(copyOf(schema), { verbose: (sql) => statements.push(String(sql)) });
  statements.length = 0;
  migrate(database, 'copy');
  database.close();
  // The first reads `user_version`, as the killed ones do.
  return statements;
}

/** Does that in a process of its own, which is killed when it is about to execute its n-th statement. */
async function killedAt(path: string, nth: number, how: 'as it is' | 'in no transaction'): Promise<void> {
  const { signal, stderr } = await runScript(script, [path, String(nth), how]);
  if (signal !== 'SIGKILL') throw new Error(`statement ${nth} was not reached: ${stderr}`);
}

const MIGRATING = `
import Database from 'better-sqlite3';
import { MIGRATIONS, migrate } from '#adapters/sqlite/migrations.ts';
const [, , path = '', nth, how] = process.argv;
let left = Number.POSITIVE_INFINITY;
const kill = () => process.kill(process.pid, 'SIGKILL');
const database = new Database(path, { verbose: () => --left === 0 && kill() });
database.pragma('journal_mode = WAL');
// So small a cache that pages go to the log before the commit.
database.pragma('cache_size = 1');
left = Number(nth);
if (how === 'as it is') migrate(database, path);
else for (const sql of MIGRATIONS) database.exec(sql);
`;

/** Which schema a killed process left, and whether that is one: as it is, and when the next start has been there. */
function stateOf(path: string): { readonly schema: number; readonly isWhole: boolean } {
  const database = new Database(path);
  const schema = database.pragma('user_version', { simple: true }) as number;
  const rows = schema === 0 ? [] : rowsOf(database);
  try {
    refuseOtherSchema(database, path, schema);
    if (schema === 0) expect(database.prepare('SELECT * FROM sqlite_schema').all()).toEqual([]);
  } catch {
    return { schema, isWhole: false };
  } finally {
    database.close();
  }
  const opened = openDatabase(path);
  try {
    if (schema > 0) expect(rowsOf(opened)).toEqual(rows);
    expect(opened.pragma('user_version', { simple: true })).toBe(LATEST);
  } finally {
    opened.close();
  }
  expect(problemsOf(path)).toEqual([]);
  for (const part of ['', '-wal', '-shm']) if (existsSync(path + part)) rmSync(path + part);
  return { schema, isWhole: true };
}

/** What no migration changes: how many rows there are of what is true for ever. */
function rowsOf(database: Database.Database): readonly unknown[] {
  return ['keys', 'ledger', 'operations'].map((table) =>
    database.prepare(`SELECT count(*) FROM ${table}`).get(),
  );
}
