import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { requestBytes } from './workload.ts';

/** So much of its stream a client takes, so often: about 8 kB a second. */
const PART_BYTES = 2048;
const PAUSE_MS = 250;

/**
 * Opens so many streams, reads from each as slowly as a bad line does, and hangs up in the end. Resolves with how many
 * bytes came in all, and how many streams ended before their time.
 */
export async function readSlowly(
  port: number,
  secret: string,
  readers: number,
  seconds: number,
): Promise<{ bytes: number; lost: number }> {
  const bytes = requestBytes({ port, secret, stream: true });
  const sockets = await Promise.all(Array.from({ length: readers }, () => open(port)));
  for (const socket of sockets) socket.write(bytes);
  const endMs = performance.now() + seconds * 1000;
  let received = 0;
  while (performance.now() < endMs) {
    for (const socket of sockets) received += (socket.read(PART_BYTES) ?? socket.read())?.length ?? 0;
    await delay(PAUSE_MS);
  }
  const lost = sockets.filter((socket) => socket.destroyed || socket.readableEnded).length;
  for (const socket of sockets) socket.destroy();
  return { bytes: received, lost };
}

/** A socket that is read when it is asked for, and a little ahead. */
async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  socket.on('readable', () => {});
  await once(socket, 'connect');
  return socket;
}
