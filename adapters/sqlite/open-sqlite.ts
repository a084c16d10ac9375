import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
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
  /** One that was started for this; absent: one is. */
  readonly thread?: Worker;
}

/** The store, and what backups follow it by. */
export interface SqliteStore extends Store {
  readonly history: History;
}

/**
 * Opens the store in an SQLite file, which a thread of its own reads and writes.
 * @throws StoreRefused if the file is in use, damaged, foreign, newer than this program, or out of reach
 */
export async function openSqlite(options: SqliteOptions): Promise<SqliteStore> {
  const { path, calendar, limits = LIMITS, thread = startWriterThread() } = options;
  const exited = once(thread, 'exit');
  const channel = openChannel(thread);
  thread.postMessage({ path, timeZone: calendar.timeZone, limits } satisfies WriterOptions);
  await channel.opened;
  return {
    ...storeOver(channel),
    async close() {
      // A second close finds the line cut, and that is as closed as can be.
      await channel.call('close').catch(() => undefined);
      await exited;
    },
  };
}
