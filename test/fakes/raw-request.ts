import { connect } from 'node:net';

/** An answer as it came over the wire. */
export interface RawAnswer {
  /** 0 if the connection was closed without an answer. */
  readonly status: number;
  readonly text: string;
}

/** A server that says nothing in this time says nothing at all. */
const SILENCE_MS_MAX = 5_000;

/**
 * Sends lines as they are, and nothing else: what no HTTP client would let through.
 * `Connection: close` and the end of the head are added.
 */
export async function rawRequest(port: number, lines: readonly string[], body = ''): Promise<RawAnswer> {
  const socket = connect({ port, host: '127.0.0.1' });
  let text = '';
  socket.setTimeout(SILENCE_MS_MAX, () => socket.destroy());
  socket.on('data', (bytes) => (text += bytes.toString('latin1')));
  socket.on('error', () => {}); // refused or reset: an answer, too
  socket.write([...lines, 'Connection: close', '', body].join('\r\n'), 'latin1');
  await new Promise((resolve) => socket.on('close', resolve));
  return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? 0), text };
}
