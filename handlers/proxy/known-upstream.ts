import type { Breaker } from '#core/breaker.ts';
import { createBreaker } from '#core/breaker.ts';
import type { FairQueue } from '#core/fair-queue.ts';
import { fairQueue } from '#core/fair-queue.ts';
import type { Upstream, UpstreamAnswer } from '#core/upstream.ts';
import { UpstreamFailure } from '#core/upstream.ts';
import type { QueueOutcome, UpstreamOutcome, UpstreamStanding, UpstreamTerms } from '#core/upstreams.ts';
import type { Troubles } from '../troubles.ts';
import type { Waiter } from './places.ts';
import { watchedUpstream } from './watched-upstream.ts';

/** An upstream as it is given: what is known of it, and the way there. */
export interface GivenUpstream {
  readonly terms: UpstreamTerms;
  readonly connection: Upstream;
}

/** An upstream, and what this process has seen of it. */
export interface KnownUpstream {
  readonly terms: UpstreamTerms;
  readonly priority: number;
  readonly weight: number;
  /** One that tells of its troubles itself. */
  readonly upstream: Upstream;
  /** `null` where there is no other to go to. */
  readonly breaker: Breaker | null;
  /** `null` where nobody ever has to wait. */
  readonly queue: FairQueue<Waiter> | null;
  inFlight: number;
  readonly outcomes: Record<UpstreamOutcome, number>;
  readonly waited: { count: number; ms: number };
  readonly turnedAway: Record<QueueOutcome, number>;
}

export function knownUpstream(
  { terms, connection }: GivenUpstream,
  isOnly: boolean,
  troubles: Troubles,
): KnownUpstream {
  return {
    terms,
    priority: terms.priority,
    weight: terms.weight,
    upstream: watchedUpstream({ upstream: connection, troubles, terms, isOnly }),
    breaker: isOnly ? null : createBreaker(terms.breaker),
    queue: terms.maxConcurrency === null ? null : fairQueue(terms.queueLengthMax),
    inFlight: 0,
    outcomes: {
      ...{ answered: 0, limited: 0, unavailable: 0, failed: 0 },
      ...{ unreachable: 0, timed_out: 0, broken: 0, refused: 0, aborted: 0 },
    },
    waited: { count: 0, ms: 0 },
    turnedAway: { full: 0, too_long: 0, client_gone: 0, stopping: 0 },
  };
}

export function standingOf(known: KnownUpstream, nowMs: number): UpstreamStanding {
  const { terms, breaker, queue, inFlight } = known;
  return {
    terms,
    breaker: breaker?.state(nowMs) ?? null,
    inFlight,
    waiting: queue?.size ?? 0,
    outcomes: { ...known.outcomes },
    waited: { ...known.waited },
    turnedAway: { ...known.turnedAway },
  };
}

/** 429 is a limit that was reached; 503, and Anthropic's 529, say that the service cannot take the call now. */
export function outcomeOf({ head: { status } }: UpstreamAnswer): UpstreamOutcome {
  if (status === 429) return 'limited';
  if (status === 503 || status === 529) return 'unavailable';
  return status >= 500 ? 'failed' : 'answered';
}

/** What of these says that the call was not processed: it may go to another upstream, and is billed at most there. */
const NOT_PROCESSED: ReadonlySet<UpstreamOutcome> = new Set([
  ...(['limited', 'unavailable', 'unreachable', 'refused'] as const),
]);

export function mayGoElsewhere(outcome: UpstreamOutcome): boolean {
  return NOT_PROCESSED.has(outcome);
}

/** `undefined` for what is no word about the upstream: a bug. */
export function failureOutcome(error: unknown): UpstreamOutcome | undefined {
  return error instanceof UpstreamFailure ? error.kind : undefined;
}

/** What the breaker learns by it; `null`: nothing, because it was us. */
export function isWell(outcome: UpstreamOutcome | undefined): boolean | null {
  if (outcome === undefined || outcome === 'aborted') return null;
  return outcome === 'answered';
}
