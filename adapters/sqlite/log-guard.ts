import { statSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { BUSY_TIMEOUT_MS } from './database.ts';
import type { Answer } from './methods.ts';

/** Looks after the size of the write-ahead log. */
export interface LogGuard {
  /** Whether the log may grow. Looks anew each time, and not within a transaction. */
  mayGrow(): boolean;
}

/**
 * While somebody reads, SQLite cannot begin its log anew, and each commit makes it longer
 * (https://sqlite.org/wal.html#avoiding_excessively_large_wal_files). One that has reached `bytesMax`, and the size of the
 * database, is emptied as soon as nobody reads what is in it; until then it may not grow.
 */
export function logGuard(database: Database.Database, bytesMax: number): LogGuard {
  const path = database.name;
  const size = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const isOver = () => {
    const bytes = size(`${path}-wal`);
    return bytes >= bytesMax && bytes >= size(path);
  };
  return {
    mayGrow() {
      if (!isOver()) return true;
      empty(database);
      return !isOver();
    },
  };
}

/** The answer to what may not be begun. Without figures: as long as it is the same trouble, it is one. */
export function logIsLong(path: string): Answer {
  const message = `the log ${path}-wal may not grow any more, because another program has been reading ${path} all the while: end that one (fuser ${path} shows who)`;
  return { kind: 'unavailable', message };
}

/** Whoever still reads is not waited for: others wait for this thread. */
function empty(database: Database.Database): void {
  database.pragma('busy_timeout = 0');
  try {
    database.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
  }
}
