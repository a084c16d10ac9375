import type Database from 'better-sqlite3';

/** The same database, of which `commit` does each COMMIT: by what it is given, or not. What it throws is SQLite's. */
export function committing(
  database: Database.Database,
  commit: (done: () => unknown) => unknown,
): Database.Database {
  const prepare = (sql: string) => {
    const statement = database.prepare(sql);
    return sql === 'COMMIT' ? { run: () => commit(() => statement.run()) } : statement;
  };
  return new Proxy(database, {
    get(target, name) {
      if (name === 'prepare') return prepare;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
