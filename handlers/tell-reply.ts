import type { RequestEnded } from '#core/observer.ts';
import { errorOf } from './reply.ts';
import type { Exchange } from './route.ts';
import type { Services } from './services.ts';

type Known = Pick<RequestEnded, 'route'> & Partial<RequestEnded>;

/** Tells the observer of a reply that is complete, and of which nothing was charged. */
export function tellReply(
  { clock, observer }: Pick<Services, 'clock' | 'observer'>,
  { request: { method }, requestId, startedMs, trace, env: { address } }: Exchange,
  reply: Response,
  known: Known,
): Response {
  const durationMs = Math.round(clock.elapsedMs() - startedMs);
  const { status } = reply;
  const event: RequestEnded = {
    ...NOTHING_MORE,
    ...{ requestId, method, address, status, durationMs },
    reason: errorOf(reply)?.code ?? null,
    ...known,
  };
  observer.requestEnded(event);
  trace?.ended(event);
  return reply;
}

const NOTHING_MORE = {
  keyId: null,
  model: null,
  upstream: null,
  usage: null,
  charge: null,
  storeMs: null,
  upstreamMs: null,
  addedMs: null,
};
