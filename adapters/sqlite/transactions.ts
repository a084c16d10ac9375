import type Database from 'better-sqlite3';
import { commit, type Projection, rollback } from './projection.ts';
import { lastNumber, recover } from './recover.ts';

/** Two ways to work on the database. Both see what others wrote into the file since the last time. */
export interface Transactions {
  /** Durable when this returns. If it throws, nothing of it is left, in the file or in memory. */
  transaction<T>(work: () => T): T;
  /** Nothing of it is left, however it ends; of the result, what is no reference. */
  glimpse<T>(work: () => T): T;
}

export function transactionsOn(database: Database.Database, projection: Projection): Transactions {
  const look = database.prepare('BEGIN');
  const begin = database.prepare('BEGIN IMMEDIATE');
  const end = database.prepare('COMMIT');
  const undo = database.prepare('ROLLBACK');
  const dataVersion = database.prepare<[], number>('PRAGMA data_version').pluck();
  let seenVersion = dataVersion.get();
  let doubted = false;

  /** Resolves doubts, inside a transaction; says which version of the file is seen. */
  function catchUp(): number | undefined {
    const version = dataVersion.get();
    // A COMMIT that failed may have reached the disk after all: then the file knows better.
    if (version !== seenVersion || (doubted && lastNumber(database) !== projection.lastN)) {
      recover(projection, database);
    }
    return version;
  }

  return {
    transaction(work) {
      try {
        begin.run();
        const version = catchUp();
        const result = work();
        end.run();
        [seenVersion, doubted] = [version, false];
        commit(projection);
        return result;
      } catch (error) {
        if (database.inTransaction) undo.run();
        rollback(projection);
        doubted = true;
        throw error;
      }
    },
    glimpse(work) {
      try {
        look.run();
        catchUp();
        return work();
      } finally {
        if (database.inTransaction) undo.run();
        rollback(projection);
      }
    },
  };
}
