import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { NotRecognised } from './foreign-file.ts';

export type Cells = Readonly<Record<string, unknown>>;

/** An SQLite file of another system, in one read transaction: beside a server that writes it stays what it was. */
export interface ForeignDatabase {
  /** Columns by table. */
  readonly tables: ReadonlyMap<string, ReadonlySet<string>>;
  has(table: string, ...columns: readonly string[]): boolean;
  /** Rows as they are asked for. Integers are `bigint`, however large. */
  rows(sql: string, ...values: readonly SQLInputValue[]): Iterable<Cells>;
  /** The first value of the first row, as a number; 0 if there is none. */
  count(sql: string): number;
  close(): void;
}

/** @throws NotRecognised if it cannot be read */
export function openForeignDatabase(path: string): ForeignDatabase {
  try {
    const database = new DatabaseSync(path, { readOnly: true, readBigInts: true });
    try {
      // Sorting a million rows goes to a file. Nothing that the file's schema says is run.
      database.exec('PRAGMA temp_store = FILE; PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; BEGIN');
      return over(database);
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new NotRecognised(
      `${path} cannot be read as a database (${reason}): copy it and the -wal beside it, if there is one, to a folder that you may write`,
    );
  }
}

function over(database: DatabaseSync): ForeignDatabase {
  const named = database.prepare(
    `SELECT m.name AS "table", c.name AS "column" FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'`,
  );
  const tables = new Map<string, Set<string>>();
  for (const { table, column } of named.iterate()) {
    const columns = tables.get(String(table)) ?? new Set<string>();
    tables.set(String(table), columns.add(String(column)));
  }
  return {
    tables,
    has: (table, ...columns) => columns.every((column) => tables.get(table)?.has(column) === true),
    rows: (sql, ...values) => database.prepare(sql).iterate(...values),
    count: (sql) => Number(Object.values(database.prepare(sql).get() ?? {})[0] ?? 0),
    close: () => database.close(),
  };
}
