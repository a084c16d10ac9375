import { open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

const PAUSE_MS = 50;

/**
 * Waits for `work`, which writes a large file at `path`, and meanwhile has the disk write what is there of it.
 * Synced at its end alone it would hold up every other sync on this disk for as long as all of it takes: 100 to 200 ms
 * for a gigabyte in a trial, in which no request is recorded.
 */
export async function syncWhileWritten<T>(path: string, work: Promise<T>): Promise<T> {
  const state = { done: false };
  const finished = work.finally(() => {
    state.done = true;
  });
  const syncing = syncUntil(state, path);
  try {
    return await finished;
  } finally {
    await syncing;
  }
}

async function syncUntil(state: { readonly done: boolean }, path: string): Promise<void> {
  while (!state.done) {
    const file = await open(path, 'r').catch(() => undefined);
    // Kept open to the end: closing it would drop the locks that SQLite has on it in this process.
    while (!state.done && file !== undefined) {
      await file.datasync();
      await pause(PAUSE_MS);
    }
    await file?.close();
    await pause(PAUSE_MS);
  }
}
