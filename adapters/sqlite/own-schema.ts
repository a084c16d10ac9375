import Database from 'better-sqlite3';
import { CopyBroken } from '#core/snapshot.ts';
import { applyStep, MIGRATIONS } from './migrations.ts';

interface SchemaRow {
  readonly type: string;
  readonly name: string;
  readonly tbl_name: string;
  readonly sql: string;
}

/** By name. */
export type OwnSchema = ReadonlyMap<string, SchemaRow>;

/**
 * Refuses a copy whose schema is not the one that this program made in that version. Names of its tables and columns go
 * into statements; and its triggers would run, the modules of its virtual tables, and what an index of our tables computes,
 * unless it is of columns alone. What else an operator added, tables and views of their own, nothing of ours names: it is
 * left alone.
 * @throws CopyBroken
 */
export function refuseOtherSchema(database: Database.Database, path: string, version: number): void {
  const expected = ownSchema(version);
  const found = new Map(schemaOf(database).map((row) => [row.name, row]));
  for (const [name, { sql }] of expected) {
    if (found.get(name)?.sql !== sql) throw new CopyBroken(`${path} is not ours: its ${name} is another one`);
  }
  for (const [name, row] of found) {
    const kind = expected.has(name) ? undefined : whatRuns(row, expected);
    if (kind !== undefined)
      throw new CopyBroken(`${path} is not ours: it has a ${kind} ${JSON.stringify(name)}`);
  }
}

/** An index of columns alone, such as an operator adds to look things up: no expression, no condition, no rule. */
const OF_COLUMNS = /^CREATE\s+INDEX\s+[^\s(]+\s+ON\s+[^\s(]+\s*\([\w\s,"]+\)\s*$/i;

/** What an object that is not ours is, if it would run by itself. */
function whatRuns(
  { type, tbl_name, sql }: SchemaRow,
  ours: ReadonlyMap<string, SchemaRow>,
): string | undefined {
  if (type === 'trigger') return 'trigger';
  if (type === 'index' && ours.has(tbl_name) && !OF_COLUMNS.test(sql)) return 'index of a table of ours';
  return /^\s*CREATE\s+VIRTUAL/i.test(sql) ? 'virtual table' : undefined;
}

/** What this program made in that version. */
export function ownSchema(version: number): OwnSchema {
  const database = new Database(':memory:');
  try {
    for (const sql of MIGRATIONS.slice(0, version)) applyStep(database, sql);
    return new Map(schemaOf(database).map((row) => [row.name, row]));
  } finally {
    database.close();
  }
}

function schemaOf(database: Database.Database): readonly SchemaRow[] {
  return database
    .prepare<[], SchemaRow>('SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL')
    .all();
}
