import { once } from 'node:events';
import type { Server } from 'node:http';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import type { Observer } from '#core/observer.ts';
import type { Readiness } from './create-http-server.ts';
import type { InFlight } from './in-flight.ts';

export interface Draining {
  readonly server: Server;
  readonly readiness: Readiness;
  readonly works: InFlight;
  readonly observer: Observer;
  /** How long requests in flight may go on. */
  readonly graceMs: number;
  /** Ends every exchange with the upstream. */
  abort(): Promise<void>;
}

// After an abort nothing waits for anybody but a client that does not read.
const ABORTED_MS_MAX = 2000;
const IDLE_CHECK_MS = 50;

/**
 * Takes no more work, lets that in flight finish, and ends what is left after the grace so that it is settled.
 * Resolves when nothing will ask the store for anything any more.
 */
export async function drain({ server, readiness, works, observer, graceMs, abort }: Draining): Promise<void> {
  readiness.ready = false;
  const finished = closed(server).then(() => works.idle());
  observer.noticed('stopping', { in_flight: works.size(), grace_ms: graceMs });
  if (!(await endsWithin(graceMs, finished))) {
    observer.noticed('The grace is over: what is still in flight is ended.', { in_flight: works.size() });
  }
  await abort();
  if (!(await endsWithin(ABORTED_MS_MAX, finished))) server.closeAllConnections();
  // What an abort ends is settled a turn later, even where no client waits for it any more.
  await turn();
  await endsWithin(ABORTED_MS_MAX, works.idle());
}

/** Resolves when the last connection is gone. One that waits for its next request is closed. */
async function closed(server: Server): Promise<void> {
  const gone = once(server, 'close');
  server.close();
  const check = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  await gone;
  clearInterval(check);
}

/** Whether `work` ends in so much time. It goes on if not. @throws what it throws */
export async function endsWithin(limitMs: number, work: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController();
  const late = pause(limitMs, false, { signal: timer.signal }).catch(() => false);
  const inTime = await Promise.race([work.then(() => true), late]);
  timer.abort();
  return inTime;
}
