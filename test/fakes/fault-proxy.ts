import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A way to an HTTP server on which things go wrong as the test says. It changes no header, the host's least
 * of all, so that signatures hold.
 */
export interface FaultProxy {
  readonly endpoint: string;
  /** What it was asked for since it last changed its ways, as `PUT /path?query`. */
  readonly seen: readonly string[];
  /** From now on, this happens to all requests, or to the first `times` of those that it is `only` about. */
  inject(fault: Fault, where?: { only?: (request: IncomingMessage) => boolean; times?: number }): void;
  /** From now on, there is nobody at the port. */
  refuse(): Promise<void>;
  /** Everything passes again. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

/** What becomes of one request. */
export type Fault = (exchange: Exchange) => void | Promise<void>;

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
  /** Has the request done, with its body as `through` makes it. */
  forward(through?: Transform): Promise<IncomingMessage>;
  /** Gives an answer back, with its body as `through` makes it. */
  reply(answer: IncomingMessage, through?: Transform): Promise<void>;
}

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const seen: string[] = [];
  let active: { fault: Fault; only: (request: IncomingMessage) => boolean; left: number } | undefined;

  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    const isHit = active !== undefined && active.left > 0 && active.only(request);
    if (isHit && active !== undefined) active.left--;
    const fault = isHit && active !== undefined ? active.fault : PASS;
    const handled = async () =>
      fault({
        request,
        response,
        socket: request.socket,
        forward: (through) => forwardTo(target, request, response, through),
        reply: (answer, through) => replyWith(answer, response, through),
      });
    // One side has gone away: so does the other.
    handled().catch(() => response.destroy());
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;

  async function shut(): Promise<void> {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  return {
    endpoint: `http://127.0.0.1:${port}`,
    seen,
    inject(fault, { only = () => true, times = Number.POSITIVE_INFINITY } = {}) {
      seen.length = 0;
      active = { fault, only, left: times };
    },
    refuse: shut,
    async heal() {
      seen.length = 0;
      active = undefined;
      if (!server.listening) await listen(port);
    },
    close: shut,
  };
}

const PASS: Fault = async ({ forward, reply }) => reply(await forward());

/** Answers itself, and passes nothing on. */
export function answerWith(status: number, body = '', headers: Record<string, string> = {}): Fault {
  return ({ request, response }) => {
    request.resume();
    response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : body);
  };
}

/** Lets so many bytes of the request's body pass, and resets the connection. */
export function resetRequestAt(bytes: number): Fault {
  return async ({ forward, socket }) => {
    const reset = () => void socket.resetAndDestroy();
    if (bytes === 0) reset();
    else await forward(at(bytes, reset));
  };
}

/** Has the request done, lets so many bytes of the answer's body pass, and resets the connection. */
export function resetResponseAt(bytes: number): Fault {
  return async ({ forward, reply, socket }) =>
    reply(
      await forward(),
      at(bytes, () => socket.resetAndDestroy()),
    );
}

/** Lets so many bytes of the answer's body pass, and ends the connection in good order. */
export function truncateResponseAt(bytes: number): Fault {
  return async ({ forward, reply, socket }) =>
    reply(
      await forward(),
      at(bytes, () => socket.end()),
    );
}

/** Has the request done, and loses the answer. */
export const loseAnswer: Fault = async ({ forward, socket }) => {
  const answer = await forward();
  answer.resume();
  await once(answer, 'end');
  socket.resetAndDestroy();
};

/** Takes the request, and never answers. */
export const hang: Fault = ({ request }) => void request.resume();

/** Lets so many bytes of the answer's body pass, and nothing after them. */
export function hangResponseAt(bytes: number): Fault {
  return async ({ forward, reply }) =>
    reply(
      await forward(),
      at(bytes, () => {}),
    );
}

/** Changes a bit of the byte at this place of the request's body. */
export function flipRequestAt(place: number): Fault {
  return async ({ forward, reply }) => reply(await forward(flipAt(place)));
}

/** Changes a bit of the byte at this place of the answer's body. */
export function flipResponseAt(place: number): Fault {
  return async ({ forward, reply }) => reply(await forward(), flipAt(place));
}

/** Lets both bodies pass slowly. */
export function slowDown(bytesPerStep: number, stepMs: number): Fault {
  return async ({ forward, reply }) =>
    reply(await forward(slowly(bytesPerStep, stepMs)), slowly(bytesPerStep, stepMs));
}

async function forwardTo(
  target: string,
  request: IncomingMessage,
  response: ServerResponse,
  through: Transform | undefined,
): Promise<IncomingMessage> {
  const { hostname, port } = new URL(target);
  const { method, url, headers } = request;
  const onward = httpRequest({ hostname, port, method, path: url, headers, setHost: false, agent: false });
  response.once('close', () => onward.destroy());
  const answered = once(onward, 'response') as Promise<[IncomingMessage]>;
  const sent = through ? pipeline(request, through, onward) : pipeline(request, onward);
  // A server may answer before it has the whole request, and close.
  const [[answer]] = await Promise.all([answered, sent.catch(() => {})]);
  return answer;
}

async function replyWith(
  answer: IncomingMessage,
  response: ServerResponse,
  through: Transform | undefined,
): Promise<void> {
  response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
  response.flushHeaders();
  await (through ? pipeline(answer, through, response) : pipeline(answer, response));
}

/** Lets so many bytes pass, and then does something instead; a shorter body ends as it would. */
function at(bytes: number, instead: () => void): Transform {
  let left = bytes;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      if (left > chunk.length) {
        left -= chunk.length;
        done(null, chunk);
        return;
      }
      this.push(chunk.subarray(0, left));
      // What was let through is to arrive before the trouble does.
      setTimeout(instead, 20);
    },
  });
}

function flipAt(place: number): Transform {
  let begin = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      const flipped = Buffer.from(chunk);
      const within = place - begin;
      if (within >= 0 && within < flipped.length) flipped[within] = (flipped[within] ?? 0) ^ 1;
      begin += chunk.length;
      done(null, flipped);
    },
  });
}

function slowly(bytesPerStep: number, stepMs: number): Transform {
  return new Transform({
    async transform(chunk: Buffer, _, done) {
      for (let from = 0; from < chunk.length; from += bytesPerStep) {
        await sleep(stepMs);
        this.push(chunk.subarray(from, from + bytesPerStep));
      }
      done();
    },
  });
}
