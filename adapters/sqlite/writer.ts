import type Database from 'better-sqlite3';
import type { Calendar } from '#core/window.ts';
import { Conflict } from './conflict.ts';
import { asRefusal } from './database.ts';
import type { Limits } from './limits.ts';
import type { Answer, Call, Method } from './methods.ts';
import { commit, emptyProjection, type Projection, rollback } from './projection.ts';
import { disown, lastNumber, recover } from './recover.ts';
import { StoreRefused } from './store-refused.ts';
import { writeBackAll, writeBackDue } from './write-back.ts';
import { writerMethods } from './writer-methods.ts';

/** The one that writes: it owns the database and decides on what it is asked for, in order. */
export interface Writer {
  /** Answers each call, in order, after the commit that made it durable. */
  answer(calls: readonly Call[]): readonly Answer[];
  /** Writes back what is in memory. Whether that succeeds changes nothing but the time of the next start. */
  rest(): void;
  /** Writes back what is in memory, and closes the database. */
  close(): void;
}

/** These read the projection's tables, which must then be exact. */
const REPORTS: ReadonlySet<Method> = new Set<Method>(['usage']);

/** A writer on a database of its own. It recovers what is true, and closes the database in the end. */
export function openWriter(database: Database.Database, calendar: Calendar, limits: Limits): Writer {
  const projection = emptyProjection(database, calendar, limits);
  const methods = writerMethods(database, projection);
  const transaction = transactionOn(database, projection);
  try {
    transaction(() => recover(projection, database));
  } catch (error) {
    const path = database.name;
    database.close();
    const refusal = asRefusal(error, path);
    if (refusal instanceof StoreRefused) throw refusal;
    throw new StoreRefused(`what ${path} holds cannot be continued (${messageOf(error)})`, 'damaged');
  }
  disown(projection);

  function answerOne([method, ...args]: Exclude<Call, readonly ['close']>): Answer {
    try {
      // A call's arguments are those of its method: the type `Call` says so, but not to the compiler.
      const act = methods[method] as (...given: readonly unknown[]) => unknown;
      return { kind: 'done', value: act(...args) };
    } catch (error) {
      if (error instanceof Conflict) return { kind: 'failed', message: error.message };
      throw error;
    }
  }

  function answerGroup(
    calls: readonly Call[],
    writeBack: (projection: Projection) => void,
  ): readonly Answer[] {
    try {
      return transaction(() => {
        writeBack(projection);
        return calls.map((call) => (call[0] === 'close' ? { kind: 'done' } : answerOne(call)));
      });
    } catch (error) {
      return calls.map(() => ({ kind: 'unavailable', message: messageOf(error) }));
    }
  }

  return {
    answer: (calls) =>
      groupsOf(calls).flatMap((group) =>
        answerGroup(group, group.some(([method]) => REPORTS.has(method)) ? writeBackAll : writeBackDue),
      ),
    rest: () => {
      if (projection.unwritten.size > 0) answerGroup([], writeBackAll);
    },
    close() {
      answerGroup([], writeBackAll);
      database.close();
    },
  };
}

/**
 * Runs work in one transaction, durable when this returns. If it throws, nothing of it is left,
 * in the file or in memory. Sees what others wrote into the file since the last time.
 */
function transactionOn(database: Database.Database, projection: Projection) {
  const begin = database.prepare('BEGIN IMMEDIATE');
  const end = database.prepare('COMMIT');
  const undo = database.prepare('ROLLBACK');
  const dataVersion = database.prepare<[], number>('PRAGMA data_version').pluck();
  let seenVersion = dataVersion.get();
  let doubted = false;

  return <T>(work: () => T): T => {
    try {
      begin.run();
      const version = dataVersion.get();
      // A COMMIT that failed may have reached the disk after all: then the file knows better.
      if (version !== seenVersion || (doubted && lastNumber(database) !== projection.lastN)) {
        recover(projection, database);
      }
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
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Reports see what was asked for before them: each is a group of its own, the rest go together. */
function groupsOf(calls: readonly Call[]): readonly (readonly Call[])[] {
  const groups: Call[][] = [];
  let alone = true;
  for (const call of calls) {
    const apart = REPORTS.has(call[0]);
    if (apart || alone) groups.push([call]);
    else groups.at(-1)?.push(call);
    alone = apart;
  }
  return groups;
}
