import type { IncomingHttpHeaders, IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { getRequestListener, RequestError } from '@hono/node-server';
import { rangesOf } from '#core/address.ts';
import { clientAddress } from '#core/client-address.ts';
import type { App } from '#handlers/app.ts';
import { errorReply } from '#handlers/reply.ts';
import { answerClientError } from './client-error.ts';
import type { ConnectionLimits } from './guard-connections.ts';
import { guardConnections } from './guard-connections.ts';
import type { InFlight } from './in-flight.ts';

/** What of the process requests and its stopping share. */
export interface Readiness {
  /** Set to false once, when the process was told to stop. */
  ready: boolean;
}

const LIMITS = {
  maxHeaderSize: 16 * 1024,
  // A slow sender holds a connection, and no more than that, for so long.
  headersTimeout: 15_000,
  requestTimeout: 120_000,
  connectionsCheckingInterval: 5_000,
  // Longer than nginx (60 s) and every SDK keep theirs: whoever sends next must be the one who closes,
  // or a request meets a connection that was just closed.
  keepAliveTimeout: 75_000,
  insecureHTTPParser: false,
  // Node's own answer says nothing of what is wrong: see `isAmbiguous`.
  requireHostHeader: false,
  // What waits for a client that reads slowly; Node's own is 64 KiB, and a thousand of them a container's memory.
  highWaterMark: 8 * 1024,
} as const;

export interface HttpServerOptions extends ConnectionLimits {
  /** The ranges whose X-Forwarded-For counts. */
  readonly trustedProxies: readonly string[];
  /** Called for each connection that was refused because all are in use. */
  onFull(): void;
}

/** The app behind HTTP/1.1, not listening yet. */
export function createHttpServer(
  app: Pick<App, 'fetch'>,
  works: InFlight,
  readiness: Readiness,
  options: HttpServerOptions,
): Server {
  const { trustedProxies, onFull } = options;
  const addressOf = addressReader(trustedProxies);
  const ended = new WeakSet<Socket>();
  const listener = getRequestListener(
    (request, { incoming }) => {
      const problem = problemOf(incoming);
      if (problem !== undefined) return invalidRequest(problem);
      const env = { address: addressOf(incoming), ready: readiness.ready };
      const reply = app.fetch(request, env, works);
      // A client may leave before its reply is made; what it asked for is still under way.
      if (reply instanceof Promise) works.waitUntil(reply);
      return reply;
    },
    { errorHandler: (error) => malformed(error) },
  );
  const server = createServer(LIMITS, (incoming, outgoing) => {
    if (!isLetIn(incoming.socket)) return outgoing.destroy();
    // RFC 9112 §9.6: an answer that closes the connection is to the last request that is looked at.
    if (ended.has(incoming.socket)) return;
    if (problemOf(incoming) !== undefined) ended.add(incoming.socket);
    if (!readiness.ready) outgoing.shouldKeepAlive = false;
    return listener(incoming, outgoing);
  });
  answerClientError(server);
  // RFC 9110 §10.1.1: what is expected beyond `100-continue` may be left aside; Node would answer 417, and say nothing.
  server.on('checkExpectation', (incoming, outgoing) => server.emit('request', incoming, outgoing));
  const isLetIn = guardConnections(server, options, onFull);
  return server;
}

/** What is wrong with a request that Node takes for one, and others may take for another; `undefined` if nothing is. */
function problemOf(
  incoming: Pick<IncomingMessage, 'httpVersionMajor' | 'rawHeaders' | 'url'>,
): string | undefined {
  if (isAmbiguous(incoming)) return 'Send HTTP/1.1, with one Host header.';
  return DOT_SEGMENT.test(incoming.url ?? '') ? "Send the path without '.' and '..' in it." : undefined;
}

/**
 * What a URL takes out of its path (RFC 3986 §5.2.4), and clients before they send it: a proxy that shows `/v1/` alone, and
 * goes by how a path begins, would show `/v1/../admin`, too; one that decodes it first, `/admin/keys/..%2f..%2f..%2fv1%2fx`.
 */
const DOT_SEGMENT = /^[^?#]*(?:\/|%2f)(?:\.|%2e){1,2}(?:[/?#]|%2f|$)/i;

/** What Node lets pass, and RFC 9112 does not: another version of HTTP (§2.3), and no Host or several (§3.2). */
function isAmbiguous({
  httpVersionMajor,
  rawHeaders,
}: Pick<IncomingMessage, 'httpVersionMajor' | 'rawHeaders'>): boolean {
  if (httpVersionMajor !== 1) return true;
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts !== 1;
}

/** What of a request says whose it is. */
interface Incoming {
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly headers: IncomingHttpHeaders;
}

function addressReader(trustedProxies: readonly string[]): (incoming: Incoming) => string {
  const trusted = rangesOf(trustedProxies);
  return ({ socket, headers }) => {
    const peer = unmapped(socket.remoteAddress);
    // Node joins the lines of a header that came in several by commas, in their order.
    return trusted.length === 0
      ? peer
      : clientAddress(peer, String(headers['x-forwarded-for'] ?? ''), trusted);
  };
}

/** An IPv4 client of a socket that listens on `::` is that client (RFC 4291 §2.5.5.2). */
function unmapped(address = ''): string {
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}

/** What Node took for HTTP and no URL can be made of: a strange path, no or another host. */
function malformed(error: unknown): Response {
  return invalidRequest(error instanceof RequestError ? `${error.message}.` : 'The request cannot be read.');
}

/** It ends the connection, as what is no HTTP at all does. */
function invalidRequest(message: string): Response {
  const error = { status: 400, type: 'invalid_request_error', code: 'invalid_request', message };
  return errorReply({ ...error, headers: { connection: 'close' } });
}
