import type { Release, Settle } from '#core/command.ts';
import type { Admission } from '#core/decision.ts';
import type { Outcome } from '#core/ledger-entry.ts';
import { chargeFor } from '#core/meter.ts';
import type { Amount, Reservation, Usage } from '#core/model.ts';
import { NOTHING } from '#core/model.ts';
import type { RequestEnded } from '#core/observer.ts';
import { StoreUnavailable } from '#core/ports.ts';
import { UpstreamFailure } from '#core/upstream.ts';
import type { NotSentReason } from '#core/upstreams.ts';
import { NotSent } from '#core/upstreams.ts';
import { failureOf } from '../failure.ts';
import type { Exchange } from '../route.ts';
import type { Services } from '../services.ts';
import type { TallyEnd } from './tally.ts';

/** nginx's status for a client that hung up before the answer was complete. */
const CLIENT_GONE = 499;

/**
 * What is left to do when an admitted request has ended, one of these, once: record it, and tell the observer.
 * What comes back is what the request is charged.
 */
export interface Aftermath {
  /** No end yet: this upstream is asked now, the one before it having served nothing. */
  asked(upstream: string): void;
  /** No end yet: of those that were asked, this one's answer counts. */
  answeredBy(upstream: string): void;
  /** Served whole. `null`: the upstream did not tell, and it costs its reservation. */
  settled(status: number, usage: Usage | null): Amount;
  /** Answered by an error of the upstream, which costs nothing. */
  released(status: number): Amount;
  /** Answered by a gateway that gave up waiting: it costs its reservation. */
  unanswered(status: number): Amount;
  /** Not answered. It costs its reservation if the upstream may have served it. */
  failed(status: number, error: unknown): Amount;
  streamed(status: number, end: TallyEnd): void;
}

/** What is known of an exchange when it is admitted. */
export interface Beginning {
  readonly route: string;
  readonly storeMs: number;
}

/** The aftermath of an admission. Recording goes to `ctx.waitUntil`: the reply does not wait for it. */
export function aftermath(
  { clock, ledger, observer }: Services,
  { request: { method }, requestId, startedMs, trace, env: { address }, ctx }: Exchange,
  beginning: Beginning,
  { reservation }: Admission,
): Aftermath {
  const { keyId, model } = reservation;
  let upstream: string | null = null;
  let sentMs = clock.elapsedMs();
  let upstreamMs: number | null = null;
  // Of a whole answer: what a stream takes is the upstream's and the client's.
  let answeredMs: number | null = null;

  function record(end: End, status: number, reason: string | null): Amount {
    const endedMs = clock.elapsedMs();
    const durationMs = Math.round(endedMs - startedMs);
    const addedMs = sentMs - startedMs + (answeredMs === null ? 0 : endedMs - answeredMs);
    const outcome: Outcome = { status, upstreamMs, durationMs, upstream };
    const command: Settle | Release = { ...end, at: clock.now(), requestId, keyId, outcome };
    const done = persist(() => ledger.execute(command)).catch((error: unknown) => {
      // The reservation stays and lapses, at its full amount.
      observer.failed('A request could not be settled.', error, { request_id: requestId });
    });
    ctx.waitUntil(done);
    const charged = chargedBy(end, reservation);
    const event: RequestEnded = {
      ...beginning,
      ...{ requestId, method, address, keyId, model, upstream, status, reason },
      ...charged,
      ...{ upstreamMs, addedMs, durationMs },
    };
    observer.requestEnded(event);
    trace?.ended(event);
    return charged.charge?.used ?? NOTHING;
  }

  function answered(end: End, status: number, reason: string | null): Amount {
    answeredMs = clock.elapsedMs();
    upstreamMs = Math.round(answeredMs - sentMs);
    return record(end, status, reason);
  }

  return {
    asked(name) {
      upstream = name;
      sentMs = clock.elapsedMs();
    },
    answeredBy(name) {
      upstream = name;
    },
    settled: (status, usage) => answered({ kind: 'settle', usage }, status, null),
    released: (status) => answered(NOTHING_SERVED, status, `upstream_${status}`),
    unanswered: (status) => answered(NOT_TOLD, status, `upstream_${status}`),
    failed: (status, error) => record(isFree(error) ? NOTHING_SERVED : NOT_TOLD, status, reasonOf(error)),
    streamed(status, { usage, firstMs, clientGone, error }) {
      upstreamMs = firstMs === null ? null : Math.round(firstMs - sentMs);
      if (error !== undefined) observer.failed('A stream broke.', error, { request_id: requestId });
      const [told, reason] = streamEnding(status, clientGone, error);
      record({ kind: 'settle', usage }, told, reason);
    },
  };
}

type End = { readonly kind: 'settle'; readonly usage: Usage | null } | { readonly kind: 'release' };

const NOTHING_SERVED: End = { kind: 'release' };
/** The upstream may have served it, and did not tell what that cost. */
const NOT_TOLD: End = { kind: 'settle', usage: null };

/** What an end cost, and by which count; `null` where it cost nothing. */
function chargedBy(end: End, reservation: Reservation): Pick<RequestEnded, 'usage' | 'charge'> {
  if (end.kind === 'release') return { usage: null, charge: null };
  return { usage: end.usage, charge: chargeFor(reservation, end.usage) };
}

/** The status and the reason of a stream that ended. */
function streamEnding(status: number, clientGone: boolean, error: unknown): [number, string | null] {
  if (clientGone) return [CLIENT_GONE, 'client_gone'];
  return error === undefined ? [status, null] : [failureOf(error).status, reasonOf(error)];
}

/** Whether no upstream can have billed a request that ended so. */
function isFree(error: unknown): boolean {
  return error instanceof NotSent || (error instanceof UpstreamFailure && !error.mayHaveServed);
}

/** Waits between tries, in milliseconds: half a minute in all, the longest that a store is locked by hand. */
const TRY_AGAIN_MS = [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000] as const;

/** Tries again while the store cannot record: ending a request is idempotent, and its usage is known only here. */
async function persist<T>(end: () => Promise<T>): Promise<T> {
  for (const waitMs of TRY_AGAIN_MS) {
    try {
      return await end();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
  return end();
}

function reasonOf(error: unknown): string {
  if (error instanceof NotSent) return NOT_SENT[error.reason];
  return error instanceof UpstreamFailure ? `upstream_${error.kind}` : 'internal_error';
}

const NOT_SENT: Readonly<Record<NotSentReason, string>> = {
  full: 'upstream_busy',
  too_long: 'upstream_busy',
  client_gone: 'client_gone',
  stopping: 'proxy_stopping',
  no_such_model: 'model_not_found',
  other_dialect: 'model_not_found',
};
