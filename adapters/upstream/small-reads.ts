import type { Socket } from 'node:net';

// Many times the event of a stream. Node reads 64 KiB at a time, and lets twice that wait in a connection that is paused.
const READ_BYTES_MAX = 8 * 1024;

/**
 * Options for connections that read little at a time, and no more while that waits to be taken: what a stream holds of
 * an upstream that is faster than its client. All connections read into one buffer, and keep a copy of what came.
 * Over TLS it is more: Node takes 64 KiB out of the kernel whatever is asked for, and hands over all of it.
 */
export function smallReads() {
  return {
    highWaterMark: READ_BYTES_MAX,
    onread: { buffer: new Uint8Array(READ_BYTES_MAX), callback: keep },
  };
}

/** Node calls it on the connection, in lib/internal/stream_base_commons.js. False pauses the connection. */
function keep(this: Socket, bytes: number, buffer: Uint8Array): boolean {
  // Of its own memory: a part of a shared one would keep all of it.
  const copy = Buffer.allocUnsafeSlow(bytes);
  copy.set(buffer.subarray(0, bytes));
  return this.push(copy);
}
