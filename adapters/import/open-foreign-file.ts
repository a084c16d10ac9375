import { closeSync, openSync, readSync } from 'node:fs';
import { apiKeys } from './api-keys.ts';
import { type ForeignDatabase, openForeignDatabase } from './foreign-database.ts';
import { type ForeignFile, NotRecognised } from './foreign-file.ts';
import { tokens } from './tokens.ts';
import { trialJson } from './trial-json.ts';
import { trialKeys } from './trial-keys.ts';

/** Each looks at what tables and columns there are, and says whether that is its own. */
const FORMATS: readonly ((database: ForeignDatabase) => ForeignFile | undefined)[] = [
  trialKeys,
  apiKeys,
  tokens,
];

const RECOGNISED =
  'recognised are older quota-proxies (trial_keys and usage_stats; api_keys and usage_log; JSON with keys), one-api and new-api (tokens)';

/** Opens a file of another system, whichever it is. Nothing is written. @throws NotRecognised */
export function openForeignFile(path: string): ForeignFile {
  if (!isDatabase(path)) {
    const file = trialJson(path);
    if (file !== undefined) return file;
    throw new NotRecognised(`${path} is JSON, and has no keys by name: ${RECOGNISED}`);
  }
  const database = openForeignDatabase(path);
  for (const format of FORMATS) {
    const file = format(database);
    if (file !== undefined) return file;
  }
  const tables = [...database.tables.keys()].filter((name) => !name.startsWith('sqlite_'));
  database.close();
  throw new NotRecognised(refusalOf(path, tables));
}

function refusalOf(path: string, tables: readonly string[]): string {
  if (tables.includes('ledger') && tables.includes('key_changes'))
    return `${path} is a database of this quota-proxy: serve from it by STORE_PATH, or restore a backup of it`;
  const shown = tables.slice(0, 12).map((name) => name.slice(0, 40));
  const more = tables.length > shown.length ? ` and ${tables.length - shown.length} more` : '';
  const found = tables.length === 0 ? 'no tables' : `the tables ${shown.join(', ')}${more}`;
  return `${path} has ${found}: ${RECOGNISED}`;
}

/** By its first bytes (https://sqlite.org/fileformat.html §1.3.1). @throws NotRecognised if it cannot be read */
function isDatabase(path: string): boolean {
  try {
    const file = openSync(path, 'r');
    try {
      const header = Buffer.alloc(15);
      return readSync(file, header) === 15 && header.toString('latin1') === 'SQLite format 3';
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new NotRecognised(`${path} cannot be read (${reason}): name a file that this user may read`);
  }
}
