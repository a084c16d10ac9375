import { closeSync, openSync, readSync } from 'node:fs';

/**
 * The bytes of a file, each piece read when it is asked for, by the calling thread, into what `room` gives then.
 * The file is closed at its end, or by `return()`.
 * @throws Error of the file system
 */
export function* fileChunks(path: string, room: () => Uint8Array): Generator<Uint8Array, void> {
  const file = openSync(path, 'r');
  try {
    for (;;) {
      const chunk = room();
      const bytes = readSync(file, chunk);
      if (bytes === 0) return;
      yield chunk.subarray(0, bytes);
    }
  } finally {
    closeSync(file);
  }
}
