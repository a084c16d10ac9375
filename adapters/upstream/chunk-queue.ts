import type { Dispatcher } from 'undici';
import type { UpstreamChunks, UpstreamFailure } from '#core/upstream.ts';

/** What a stream's callbacks write into and its reader takes out of. */
export interface ChunkQueue extends UpstreamChunks {
  push(chunk: Uint8Array): void;
  end(): void;
  fail(failure: UpstreamFailure): void;
}

// Enough to keep a fast reader busy, little enough for a thousand slow ones.
const QUEUE_BYTES_MAX = 8 * 1024;

/**
 * Hands chunks from callbacks to a reader that asks for them one by one. While the reader is behind,
 * the connection is paused, so that the upstream feels it; what gathered meanwhile is handed over as one.
 */
export function chunkQueue(controller: Dispatcher.DispatchController): ChunkQueue {
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let outcome: { failure: UpstreamFailure | undefined } | undefined;
  let reader:
    | { resolve(chunk: Uint8Array | undefined): void; reject(failure: UpstreamFailure): void }
    | undefined;

  function take(): Uint8Array {
    const [only] = waiting;
    const chunk = waiting.length === 1 && only !== undefined ? only : Buffer.concat(waiting);
    waiting = [];
    waitingBytes = 0;
    if (controller.paused) controller.resume();
    return chunk;
  }

  function finish(failure: UpstreamFailure | undefined): void {
    outcome = { failure };
    if (failure === undefined) reader?.resolve(undefined);
    else reader?.reject(failure);
    reader = undefined;
  }

  return {
    push(chunk) {
      if (reader !== undefined) {
        reader.resolve(chunk);
        reader = undefined;
        return;
      }
      waiting.push(chunk);
      waitingBytes += chunk.length;
      if (waitingBytes > QUEUE_BYTES_MAX) controller.pause();
    },
    end: () => finish(undefined),
    fail: finish,
    next() {
      if (waiting.length > 0) return Promise.resolve(take());
      if (outcome?.failure !== undefined) return Promise.reject(outcome.failure);
      if (outcome !== undefined) return Promise.resolve(undefined);
      return new Promise((resolve, reject) => {
        reader = { resolve, reject };
      });
    },
    cancel() {
      controller.abort(new Error('nobody reads this stream any more'));
    },
  };
}
