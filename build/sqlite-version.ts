import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of the SQLite that better-sqlite3 has compiled in. @throws Error where its header does not say so */
export function sqliteVersion(root: string): string {
  const header = join(root, 'node_modules/better-sqlite3/deps/sqlite3/sqlite3.h');
  const [, version] = /^#define SQLITE_VERSION +"([\d.]+)"$/m.exec(readFileSync(header, 'utf8')) ?? [];
  if (version === undefined) throw new Error(`${header} has no SQLITE_VERSION`);
  return version;
}
