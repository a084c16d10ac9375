import type { RequestEnded } from '#core/observer.ts';
import { errorOf } from './reply.ts';
import type { Exchange } from './route.ts';
import type { Services } from './services.ts';
import { throttleGuess } from './throttle-guess.ts';

type Known = Pick<RequestEnded, 'route'> & Partial<RequestEnded>;

/** The reply as it goes out, of which the observer was told: it is complete, and nothing was charged for it. */
export function tellReply(
  services: Pick<Services, 'clock' | 'observer' | 'guards'>,
  exchange: Exchange,
  reply: Response,
  known: Known,
): Response {
  const { clock, observer } = services;
  const { request, requestId, startedMs, trace, env } = exchange;
  const said = throttleGuess(services, exchange, reply);
  const durationMs = Math.round(clock.elapsedMs() - startedMs);
  const event: RequestEnded = {
    ...NOTHING_MORE,
    ...{ requestId, method: request.method, address: env.address, status: said.status, durationMs },
    // Of what is throttled, too: why it was refused.
    reason: errorOf(reply)?.code ?? null,
    ...known,
  };
  observer.requestEnded(event);
  trace?.ended(event);
  return said;
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
