import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { rawReply } from './client-error.ts';

export interface ConnectionLimits {
  /** Connections at once. */
  readonly connectionsMax: number;
  /** The longest that a client may leave what it was sent unread, in milliseconds. */
  readonly clientStallMs: number;
}

/** A request of a connection, and its reply. */
interface Serving {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

const BUSY = {
  status: 503,
  type: 'server_error',
  code: 'server_busy',
  message: 'All connections of this server are in use. Try again.',
};

/**
 * Bounds the connections of a server, not yet listening. Where all are taken, a new one has the place of the one that has
 * longest had no whole request under way: a client that sends its request takes milliseconds for that, and so an attacker
 * who holds connections open holds up nobody. Where more than half were never answered a request, it is one of these: on
 * one that waits for its next request, that may be on its way (RFC 9112 §9.5). If all have one under way, the new one is
 * refused, and `onFull` told. There is no bound by address: behind a reverse proxy, or Docker's own, all connections have one.
 * Whoever does not read what it is sent is cut off, as if it had hung up: then its request is settled.
 * Comes back with whether a connection was let in: of one that was refused a request may still arrive.
 */
export function guardConnections(
  server: Server,
  { connectionsMax, clientStallMs }: ConnectionLimits,
  onFull: () => void,
): (socket: Socket) => boolean {
  /** By when they last began or ended a request, the latest last. */
  const connections = new Map<Socket, Serving | undefined>();
  /** Those on which a request was answered. */
  const known = new WeakSet<Socket>();
  const change = (socket: Socket, serving: Serving | undefined) => {
    // Set anew, so that the order stays that of the changes.
    if (connections.delete(socket)) connections.set(socket, serving);
  };

  server.prependListener('connection', (socket: Socket) => {
    if (connections.size >= connectionsMax) {
      const waiting = firstWaiting(connections, known, connectionsMax / 2);
      if (waiting === undefined) {
        onFull();
        socket.on('error', () => {}); // nobody reads this any more
        socket.end(rawReply(BUSY), () => socket.destroy());
        return;
      }
      connections.delete(waiting);
      waiting.destroy();
    }
    connections.set(socket, undefined);
    socket.once('close', () => connections.delete(socket));
  });
  server.prependListener('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { socket } = incoming;
    change(socket, { incoming, outgoing });
    outgoing.once('close', () => {
      known.add(socket);
      change(socket, undefined);
    });
  });

  // Node tells of a connection on which nothing has moved for so long; of bytes that wait, a few that left count as moved.
  server.setTimeout(clientStallMs, (socket: Socket) => {
    const isIdle = connections.get(socket) === undefined;
    if (isIdle || socket.writableLength > 0) socket.destroy();
  });
  return (socket) => connections.has(socket);
}

/**
 * The connection that has longest been without a whole request; `undefined` if there is none such. If more than `crowd` of
 * them are not known, it is one of these; fewer may be clients that have only just connected.
 */
function firstWaiting(
  connections: ReadonlyMap<Socket, Serving | undefined>,
  known: Pick<WeakSet<Socket>, 'has'>,
  crowd: number,
): Socket | undefined {
  let first: Socket | undefined;
  let firstStranger: Socket | undefined;
  let strangers = 0;
  for (const [socket, serving] of connections) {
    if (serving?.incoming.complete) continue;
    first ??= socket;
    if (known.has(socket)) continue;
    firstStranger ??= socket;
    strangers += 1;
    if (strangers > crowd) return firstStranger;
  }
  return first;
}
