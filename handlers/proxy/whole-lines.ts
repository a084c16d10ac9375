import { UpstreamFailure } from '#core/upstream.ts';
import { concat } from '../concat.ts';

/** Cuts a stream of bytes after its last line feed; what is left of a line waits for its end. */
export interface WholeLines {
  /** The whole lines that there are now; empty if there is none. */
  push(chunk: Uint8Array): Uint8Array;
  /** What is left, without an end. */
  rest(): Uint8Array;
}

/** No event is near this; a line that never ends would fill the memory. */
const LINE_BYTES_MAX = 8 * 1024 * 1024;

const LINE_FEED = 0x0a;
const NO_BYTES = new Uint8Array(0);

/** @throws UpstreamFailure from `push`, if a line grows beyond all reason */
export function wholeLines(): WholeLines {
  let parts: Uint8Array[] = [];
  let partBytes = 0;

  function hold(part: Uint8Array): void {
    if (part.length === 0) return;
    partBytes += part.length;
    if (partBytes > LINE_BYTES_MAX) {
      throw new UpstreamFailure('broken', `An event of the stream is over ${LINE_BYTES_MAX} bytes.`);
    }
    parts.push(part);
  }

  function take(): readonly Uint8Array[] {
    const taken = parts;
    parts = [];
    partBytes = 0;
    return taken;
  }

  return {
    push(chunk) {
      const end = chunk.lastIndexOf(LINE_FEED) + 1;
      if (end === 0) {
        hold(chunk);
        return NO_BYTES;
      }
      const head = chunk.subarray(0, end);
      const lines = parts.length === 0 ? head : concat([...take(), head]);
      hold(chunk.subarray(end));
      return lines;
    },
    rest: () => concat(take()),
  };
}
