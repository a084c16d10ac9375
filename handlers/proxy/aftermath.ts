import type { Release, Settle } from '#core/command.ts';
import type { Admission } from '#core/decision.ts';
import type { Outcome } from '#core/ledger-entry.ts';
import { chargeFor } from '#core/meter.ts';
import type { Amount, Usage } from '#core/model.ts';
import { NOTHING } from '#core/model.ts';
import type { RequestEnded } from '#core/observer.ts';
import { StoreUnavailable } from '#core/ports.ts';
import { UpstreamFailure } from '#core/upstream.ts';
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
  const sentMs = clock.elapsedMs();
  let upstreamMs: number | null = null;
  // Of a whole answer: what a stream takes is the upstream's and the client's.
  let answeredMs: number | null = null;
  const answered = () => {
    answeredMs = clock.elapsedMs();
    upstreamMs = Math.round(answeredMs - sentMs);
  };

  type End = { kind: 'settle'; usage: Usage | null } | { kind: 'release' };
  function record(end: End, status: number, reason: string | null): Amount {
    const endedMs = clock.elapsedMs();
    const durationMs = Math.round(endedMs - startedMs);
    const addedMs = sentMs - startedMs + (answeredMs === null ? 0 : endedMs - answeredMs);
    const outcome: Outcome = { status, upstreamMs, durationMs };
    const command: Settle | Release = { ...end, at: clock.now(), requestId, keyId, outcome };
    const done = persist(() => ledger.execute(command)).catch((error: unknown) => {
      // The reservation stays and lapses, at its full amount.
      observer.failed('A request could not be settled.', error, { request_id: requestId });
    });
    ctx.waitUntil(done);
    const usage = end.kind === 'settle' ? end.usage : null;
    const charge = end.kind === 'settle' ? chargeFor(reservation, usage) : null;
    const event: RequestEnded = {
      ...beginning,
      ...{ requestId, method, address, keyId, model, status, reason },
      ...{ usage, charge, upstreamMs, addedMs, durationMs },
    };
    observer.requestEnded(event);
    trace?.ended(event);
    return charge?.used ?? NOTHING;
  }

  return {
    settled(status, usage) {
      answered();
      return record({ kind: 'settle', usage }, status, null);
    },
    released(status) {
      answered();
      return record({ kind: 'release' }, status, `upstream_${status}`);
    },
    unanswered(status) {
      answered();
      return record({ kind: 'settle', usage: null }, status, `upstream_${status}`);
    },
    failed(status, error) {
      const isFree = error instanceof UpstreamFailure && !error.mayHaveServed;
      return record(isFree ? { kind: 'release' } : { kind: 'settle', usage: null }, status, reasonOf(error));
    },
    streamed(status, { usage, firstMs, clientGone, error }) {
      upstreamMs = firstMs === null ? null : Math.round(firstMs - sentMs);
      if (error !== undefined) observer.failed('A stream broke.', error, { request_id: requestId });
      if (clientGone) record({ kind: 'settle', usage }, CLIENT_GONE, 'client_gone');
      else if (error === undefined) record({ kind: 'settle', usage }, status, null);
      else record({ kind: 'settle', usage }, 502, reasonOf(error));
    },
  };
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
  return error instanceof UpstreamFailure ? `upstream_${error.kind}` : 'internal_error';
}
