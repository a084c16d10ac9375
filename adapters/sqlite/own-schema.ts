import Database from 'better-sqlite3';
import { CopyBroken } from '#core/snapshot.ts';
import { applyStep, MIGRATIONS } from './migrations.ts';

interface SchemaRow {
  readonly type: string;
  readonly name: string;
  readonly sql: string;
}

/**
 * Refuses a copy whose schema is not the one that this program made in that version: names of its tables and columns go
 * into statements, and its triggers would run. What an operator added, other than triggers, is left alone.
 * @throws CopyBroken
 */
export function refuseOtherSchema(database: Database.Database, path: string, version: number): void {
  const expected = new Map(schemaOfVersion(version).map((row) => [row.name, row]));
  const found = new Map(schemaOf(database).map((row) => [row.name, row]));
  for (const [name, { sql }] of expected) {
    if (found.get(name)?.sql !== sql) throw new CopyBroken(`${path} is not ours: its ${name} is another one`);
  }
  for (const [name, { type }] of found) {
    if (type !== 'trigger' || expected.has(name)) continue;
    throw new CopyBroken(`${path} is not ours: it has a trigger ${JSON.stringify(name)}`);
  }
}

function schemaOfVersion(version: number): readonly SchemaRow[] {
  const database = new Database(':memory:');
  try {
    for (const sql of MIGRATIONS.slice(0, version)) applyStep(database, sql);
    return schemaOf(database);
  } finally {
    database.close();
  }
}

function schemaOf(database: Database.Database): readonly SchemaRow[] {
  return database
    .prepare<[], SchemaRow>('SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL')
    .all();
}
