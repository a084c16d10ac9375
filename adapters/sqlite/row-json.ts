import type Database from 'better-sqlite3';

/** A column, as far as a row as JSON needs to know it. */
export interface Column {
  readonly name: string;
  readonly isBlob: boolean;
}

/** The columns of a table, whatever the schema's version. */
export function columnsOf(database: Database.Database, table: string): readonly Column[] {
  const columns = database
    .prepare<[string], { name: string; type: string }>('SELECT name, type FROM pragma_table_info(?)')
    .all(table);
  return columns.map(({ name, type }) => ({ name, isBlob: type === 'BLOB' }));
}

/** An SQL expression: a row as a JSON array in the order of its columns. JSON knows no blobs: they are in hex. */
export function rowAsArray(columns: readonly Column[]): string {
  return `json_array(${columns.map(sqlOf).join(', ')})`;
}

/** An SQL expression: a row as a JSON object. */
export function rowAsObject(columns: readonly Column[]): string {
  return `json_object(${columns.map((column) => `'${column.name}', ${sqlOf(column)}`).join(', ')})`;
}

function sqlOf({ name, isBlob }: Column): string {
  return isBlob ? `iif(${name} IS NULL, NULL, lower(hex(${name})))` : name;
}
