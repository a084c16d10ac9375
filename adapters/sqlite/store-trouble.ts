import { dirname } from 'node:path';
import Database from 'better-sqlite3';

export type StoreTroubleKind = 'full' | 'damaged' | 'foreign' | 'unwritable' | 'locked' | 'broken';

/** What SQLite ran into, in words for an operator: the file, and the next step. */
export interface StoreTrouble {
  readonly kind: StoreTroubleKind;
  readonly message: string;
}

/** What an error of SQLite says of the database at `path`; `undefined` if it is about a statement, or no error of SQLite. */
export function troubleOf(error: unknown, path: string): StoreTrouble | undefined {
  if (!(error instanceof Database.SqliteError)) return undefined;
  const { code, message } = error;
  const directory = dirname(path);
  switch (code.split('_', 2).join('_')) {
    case 'SQLITE_FULL':
      return { kind: 'full', message: fullDisk(directory) };
    case 'SQLITE_CORRUPT':
      return {
        kind: 'damaged',
        message: `${path} is damaged (${message}): stop this server; quota-proxy doctor says what is wrong, and quota-proxy restore latest --force goes on from the newest backup`,
      };
    case 'SQLITE_NOTADB':
      return { kind: 'foreign', message: 'it is not an SQLite database' };
    case 'SQLITE_CANTOPEN':
    case 'SQLITE_READONLY':
    case 'SQLITE_PERM':
      return {
        kind: 'unwritable',
        message: `${path} cannot be written (${message}): make the directory ${directory} and the file writable for this user`,
      };
    case 'SQLITE_BUSY':
      return {
        kind: 'locked',
        message: `${path} is locked by another program: end what writes to it (fuser ${path} shows who)`,
      };
    case 'SQLITE_IOERR':
      // What cannot grow in memory that is mapped is told as an error of input and output.
      if (code === 'SQLITE_IOERR_SHMSIZE') return { kind: 'full', message: fullDisk(directory) };
      return {
        kind: 'broken',
        message: `${path} cannot be read or written (${code}): look at the disk below ${directory} (dmesg)`,
      };
    default:
      return undefined;
  }
}

function fullDisk(directory: string): string {
  return `the disk of the data directory ${directory} is full: make room there (df -h ${directory})`;
}
