import { setImmediate as turn } from 'node:timers/promises';

export interface WatchedOutput {
  /** Why something that was written so far reached nobody who wanted it; `null` if it did. */
  lost(): Promise<string | null>;
}

/**
 * Hears what becomes of the output of this process. Who reads no further (`| head -1`) has read enough, and that is no
 * error; a full disk is one. Where nobody listens, either ends the process.
 */
export function watchOutput(): WatchedOutput {
  let trouble: string | null = null;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') trouble ??= error.message;
  });
  process.stderr.on('error', () => undefined);
  return {
    async lost() {
      // Node tells it in a later turn.
      await turn();
      return trouble;
    },
  };
}
