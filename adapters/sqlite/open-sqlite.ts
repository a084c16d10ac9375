import type { Store } from '#core/ports.ts';
import type { History } from '#core/snapshot.ts';
import type { Calendar } from '#core/window.ts';
import { openChannel } from './channel.ts';
import { LIMITS, type Limits } from './limits.ts';
import { storeOver } from './store-over.ts';
import { startWriterThread, type WriterOptions } from './writer-thread.ts';

export interface SqliteOptions {
  /** The database file. It and its directory are made if they are not there. */
  readonly path: string;
  readonly calendar: Calendar;
  /** Absent: those that suit a server. */
  readonly limits?: Limits;
}

/** The store, and what backups follow it by. */
export interface SqliteStore extends Store {
  readonly history: History;
}

/** A thread for a store. Disposing of it ends it, unless a store was opened in it: that ends it when it is closed. */
export interface SqliteThread extends AsyncDisposable {
  /** Opens the store in an SQLite file, which the thread reads and writes from now on. Once. @throws StoreRefused as `openSqlite` */
  open(options: SqliteOptions): Promise<SqliteStore>;
}

/**
 * Opens the store in an SQLite file, which a thread of its own reads and writes.
 * @throws StoreRefused if the file is in use, damaged, foreign, newer than this program, or out of reach
 */
export function openSqlite(options: SqliteOptions): Promise<SqliteStore> {
  return startSqlite().open(options);
}

/** Starts a thread before it is known which file it is for: it loads its part of the program meanwhile. */
export function startSqlite(): SqliteThread {
  const thread = startWriterThread();
  const exited = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  const channel = openChannel(thread);
  let isOpen = false;
  return {
    async open({ path, calendar, limits = LIMITS }) {
      thread.postMessage({ path, timeZone: calendar.timeZone, limits } satisfies WriterOptions);
      await channel.opened;
      isOpen = true;
      return {
        ...storeOver(channel),
        async close() {
          // A second close finds the line cut, and that is as closed as can be.
          await channel.call('close').catch(() => undefined);
          await exited;
        },
      };
    },
    async [Symbol.asyncDispose]() {
      if (!isOpen) await thread.terminate();
    },
  };
}
