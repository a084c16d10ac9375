import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { openDatabase } from '#adapters/sqlite/database.ts';
import { examine } from '#adapters/sqlite/doctor.ts';
import { type EntryRow, entryOf } from '#adapters/sqlite/entry-rows.ts';
import { LIMITS } from '#adapters/sqlite/limits.ts';
import type { Call, Method, Methods } from '#adapters/sqlite/methods.ts';
import { storeOver } from '#adapters/sqlite/store-over.ts';
import { openWriter, type Writer } from '#adapters/sqlite/writer.ts';
import type { decide } from '#core/decide.ts';
import type { LedgerEntry } from '#core/ledger-entry.ts';
import type { Store } from '#core/ports.ts';
import { StoreUnavailable } from '#core/ports.ts';
import type { Calendar } from '#core/window.ts';
import { noMemories, openMemoryStore } from '#test/fakes/memory-store.ts';

/** Where the ledger is, whatever becomes of the processes that write it. */
export interface SimulatedDisk {
  /** What the next process opens; the one before is gone. */
  open(): Store;
  entriesAfter(count: number): readonly LedgerEntry[];
  /** What the doctor finds in the end. */
  problems(): readonly string[];
  remove(): void;
}

/** The reference store: quick, and with another `decide` where a wrong one is to be found out. */
export function memoryDisk(calendar: Calendar, decideBy?: typeof decide): SimulatedDisk {
  const data = noMemories();
  return {
    open: () => openMemoryStore({ calendar, data, ...(decideBy === undefined ? {} : { decideBy }) }),
    entriesAfter: (count) => data.entries.slice(count),
    problems: () => [],
    remove: () => undefined,
  };
}

/** The real writer on real files, in this thread. Opened again, it finds what a kill leaves behind. */
export function sqliteDisk(calendar: Calendar, folder: string): SimulatedDisk {
  let copies = 0;
  let current: { readonly database: Database.Database; readonly writer: Writer } | undefined;
  mkdirSync(folder);
  return {
    open() {
      const before = join(folder, `${copies}.db`);
      copies += 1;
      const path = join(folder, `${copies}.db`);
      for (const part of ['', '-wal'])
        if (existsSync(before + part)) copyFileSync(before + part, path + part);
      current?.database.close();
      const database = openDatabase(path);
      // So little memory that accounts are written back and forgotten all the time.
      const writer = openWriter(database, calendar, { ...LIMITS, tailEntries: 6, accounts: 1 });
      current = { database, writer };
      return storeOn(writer);
    },
    entriesAfter(count) {
      const rows = current?.database
        .prepare<[number], EntryRow>('SELECT * FROM ledger WHERE n > ? ORDER BY n')
        .all(count);
      return (rows ?? []).map(entryOf);
    },
    problems() {
      current?.writer.close();
      return examine(join(folder, `${copies}.db`)).flatMap(({ problems }) => problems);
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

function storeOn(writer: Writer): Store {
  async function call<M extends Method>(
    ...asked: readonly [M, ...Parameters<Methods[M]>]
  ): Promise<ReturnType<Methods[M]>> {
    const [answer] = writer.answer([asked as unknown as Call]);
    if (answer?.kind === 'done') return structuredClone(answer.value) as ReturnType<Methods[M]>;
    if (answer?.kind === 'unavailable') throw new StoreUnavailable(answer.message);
    throw new Error(answer?.message);
  }
  return { ...storeOver({ call, callSoon: call }), close: async () => writer.close() };
}
