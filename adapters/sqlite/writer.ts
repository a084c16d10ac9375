import type Database from 'better-sqlite3';
import type { Calendar } from '#core/window.ts';
import { Conflict } from './conflict.ts';
import { asRefusal } from './database.ts';
import type { Limits } from './limits.ts';
import { logGuard, logIsLong } from './log-guard.ts';
import type { Answer, Call, Method, Methods } from './methods.ts';
import { emptyProjection, type Projection } from './projection.ts';
import { disown, recover } from './recover.ts';
import { StoreRefused } from './store-refused.ts';
import { troubleOf } from './store-trouble.ts';
import { type Transactions, transactionsOn } from './transactions.ts';
import { writeBackAll, writeBackDue, writeBackPart } from './write-back.ts';
import { writerMethods } from './writer-methods.ts';

/** The one that writes: it owns the database and decides on what it is asked for, in order. */
export interface Writer {
  /** Answers each call, in order, after the commit that made it durable. */
  answer(calls: readonly Call[]): readonly Answer[];
  /**
   * Writes back a part of what is in memory, and says whether to go on. Whether it succeeds changes nothing but the time of
   * the next start.
   */
  rest(): boolean;
  /** Writes back what is in memory, and closes the database. */
  close(): void;
}

type WriteBack = (projection: Projection) => void;

/** What is written back before these, instead of what is due: all, where the projection's tables must be exact. */
const WRITE_BACK: Partial<Record<Method, WriteBack>> = {
  scanUsage: writeBackAll,
  writeBack: writeBackPart,
};

/** Of these, what cannot be leaves nothing of it behind: each has a transaction of its own. */
const WHOLE: ReadonlySet<Method> = new Set<Method>(['record']);

/** These record nothing: they are answered also where nothing can be recorded. */
const READS: ReadonlySet<Method> = new Set<Method>([
  ...([
    'lapsed',
    'account',
    'scanKeys',
    'sponsor',
    'scanUsage',
    'receipt',
    'scanReceipts',
    'status',
    'daysInUse',
  ] as const),
  ...(['scanOperations', 'verifyOperations', 'lineage', 'mark', 'rowsAfter', 'backupState'] as const),
  ...(['findReply', 'registryVersion'] as const),
  ...(['application', 'listApplications', 'pendingApplications'] as const),
]);

/** Whether a call begins what makes the log longer. What ends a request, and what an operator does, must still be recorded. */
function isBegun(call: AnyCall): boolean {
  return call[0] === 'execute' ? call[1].kind === 'reserve' : call[0] === 'bringIn' || call[0] === 'check';
}

/** A writer on a database of its own. It recovers what is true, and closes the database in the end. */
export function openWriter(database: Database.Database, calendar: Calendar, limits: Limits): Writer {
  const projection = emptyProjection(database, calendar, limits);
  const methods = writerMethods(database, projection);
  const transactions = transactionsOn(database, projection);
  const { transaction, glimpse } = transactions;
  const path = database.name;
  const log = logGuard(database, limits.logBytesMax);
  /** Once something was found to be damaged, nothing is recorded any more: what follows from it would be wrong, too. */
  let damage: string | undefined;
  recoverOrRefuse(projection, database, transactions);
  disown(projection);

  const answerOne = (call: AnyCall) => answerBy(methods, call);

  function answerGroup(calls: readonly Call[], writeBack: WriteBack): readonly Answer[] {
    try {
      if (damage !== undefined) throw new Error(damage);
      const mayGrow = log.mayGrow();
      return transaction(() => {
        writeBack(projection);
        return calls.map((call) => {
          if (call[0] === 'close') return { kind: 'done' };
          return mayGrow || !isBegun(call) ? answerOne(call) : logIsLong(path);
        });
      });
    } catch (error) {
      if (error instanceof Conflict) return calls.map(() => ({ kind: 'failed', message: error.message }));
      const unavailable = unavailableBy(error);
      return calls.map((call) =>
        call[0] !== 'close' && READS.has(call[0]) ? answerRead(call) : unavailable,
      );
    }
  }

  /** As if what is in memory were written back: nothing of it gets to the disk. */
  function answerRead(call: AnyCall): Answer {
    try {
      return glimpse(() => {
        WRITE_BACK[call[0]]?.(projection);
        return answerOne(call);
      });
    } catch (error) {
      return unavailableBy(error);
    }
  }

  function unavailableBy(error: unknown): Answer {
    const trouble = troubleOf(error, path);
    const message = trouble?.message ?? messageOf(error);
    if (trouble?.kind === 'damaged' || trouble?.kind === 'foreign') damage ??= message;
    return { kind: 'unavailable', message };
  }

  return {
    answer: (calls) =>
      groupsOf(calls).flatMap((group) => answerGroup(group, WRITE_BACK[group[0][0]] ?? writeBackDue)),
    rest: () => {
      const { size } = projection.unwritten;
      if (size === 0 || damage !== undefined) return false;
      answerGroup([], writeBackPart);
      const left = projection.unwritten.size;
      return left > 0 && left < size;
    },
    close() {
      answerGroup([], writeBackAll);
      database.close();
    },
  };
}

/** One that something is to be done for, in a transaction. */
type AnyCall = Exclude<Call, readonly ['close']>;

function answerBy(methods: Omit<Methods, 'close'>, [method, ...args]: AnyCall): Answer {
  try {
    // A call's arguments are those of its method: the type `Call` says so, but not to the compiler.
    const act = methods[method] as (...given: readonly unknown[]) => unknown;
    return { kind: 'done', value: act(...args) };
  } catch (error) {
    if (error instanceof Conflict && !WHOLE.has(method)) return { kind: 'failed', message: error.message };
    throw error;
  }
}

/** Makes the projection what the file says. @throws StoreRefused if nothing can follow from that */
function recoverOrRefuse(
  projection: Projection,
  database: Database.Database,
  { transaction }: Transactions,
): void {
  try {
    transaction(() => recover(projection, database));
  } catch (error) {
    const path = database.name;
    database.close();
    const refusal = asRefusal(error, path);
    if (refusal instanceof StoreRefused) throw refusal;
    throw new StoreRefused(`what ${path} holds cannot be continued (${messageOf(error)})`, 'damaged');
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** At least one. */
type Group = [Call, ...Call[]];

/** Reports see what was asked for before them. They, and what is recorded whole, are groups of their own; the rest go together. */
function groupsOf(calls: readonly Call[]): readonly Group[] {
  const groups: Group[] = [];
  let alone = true;
  for (const call of calls) {
    const apart = WRITE_BACK[call[0]] !== undefined || WHOLE.has(call[0]);
    if (apart || alone) groups.push([call]);
    else groups.at(-1)?.push(call);
    alone = apart;
  }
  return groups;
}
