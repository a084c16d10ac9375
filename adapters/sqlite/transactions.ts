import Database from 'better-sqlite3';
import { commit, type Projection, rollback } from './projection.ts';
import { recover } from './recover.ts';

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
  /** A COMMIT that failed may have been done after all: then the file knows better. */
  let doubted = false;

  /** Resolves doubts, inside a transaction; says which version of the file is seen. */
  function catchUp(): number | undefined {
    const version = dataVersion.get();
    if (version !== seenVersion || doubted) recover(projection, database);
    doubted = false;
    return version;
  }

  function save(): void {
    try {
      end.run();
    } catch (error) {
      doubted = !leavesNothing(error);
      throw error;
    }
  }

  return {
    transaction(work) {
      try {
        begin.run();
        const version = catchUp();
        const result = work();
        save();
        seenVersion = version;
        commit(projection);
        return result;
      } catch (error) {
        if (database.inTransaction) undo.run();
        rollback(projection);
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

/** Whether a COMMIT that failed so was certainly not done: there was no room for it, or another program writes. */
function leavesNothing(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(FULL|BUSY)/.test(error.code);
}
