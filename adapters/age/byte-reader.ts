/** Reads exact numbers of bytes from pieces of any size. It holds one piece, and what was asked for. */
export interface ByteReader {
  /** The next `count` bytes; fewer at the end. @throws whatever the pieces come with */
  take(count: number): Promise<Uint8Array>;
  isAtEnd(): Promise<boolean>;
}

export function newByteReader(pieces: AsyncIterable<Uint8Array>): ByteReader {
  const iterator = pieces[Symbol.asyncIterator]();
  let held: Uint8Array = new Uint8Array();

  async function hold(count: number): Promise<void> {
    while (held.length < count) {
      const { done, value } = await iterator.next();
      if (done === true) return;
      held = held.length === 0 ? value : Buffer.concat([held, value]);
    }
  }

  return {
    async take(count) {
      await hold(count);
      const taken = held.subarray(0, count);
      held = held.subarray(taken.length);
      return taken;
    },
    async isAtEnd() {
      await hold(1);
      return held.length === 0;
    },
  };
}
