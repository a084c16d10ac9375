import type { KeyId } from '#core/model.ts';
import type { Clock } from '#core/ports.ts';
import type { QueueOutcome } from '#core/upstreams.ts';
import { NotSent } from '#core/upstreams.ts';
import type { KnownUpstream } from './known-upstream.ts';

/** A request that waits for a place, at one upstream or at several. */
export interface Waiter {
  readonly keyId: KeyId;
  /** Where it waits. */
  readonly at: Set<KnownUpstream>;
  /** The place is its own now. */
  given(known: KnownUpstream): void;
  turnedAway(reason: QueueOutcome): void;
}

/** The places that upstreams have for exchanges at a time. */
export interface Places {
  /** Whether one is free. Where somebody waits, none is: it would be theirs. */
  isFree(known: KnownUpstream): boolean;
  take(known: KnownUpstream): void;
  /** Gives a place back: to whoever waits for it, in turn by keys. */
  leave(known: KnownUpstream): void;
  /**
   * Waits at all of these, which are full, for the first place that one of them has, and takes it.
   * @throws NotSent if no queue has room, it takes too long, the client hangs up, or the process stops
   */
  wait(full: readonly KnownUpstream[], keyId: KeyId, gone: AbortSignal): Promise<KnownUpstream>;
  /** Turns away all who wait, and who will come. */
  stop(): void;
}

export function createPlaces(clock: Clock): Places {
  const waiters = new Set<Waiter>();
  let isStopped = false;

  function wait(full: readonly KnownUpstream[], keyId: KeyId, gone: AbortSignal): Promise<KnownUpstream> {
    const { promise, resolve, reject } = Promise.withResolvers<KnownUpstream>();
    const sinceMs = clock.elapsedMs();
    const onGone = () => waiter.turnedAway('client_gone');
    const end = () => {
      clearTimeout(timer);
      gone.removeEventListener('abort', onGone);
      waiters.delete(waiter);
      for (const known of waiter.at) known.queue?.remove(keyId, waiter);
      waiter.at.clear();
    };
    const waiter: Waiter = {
      keyId,
      at: new Set(),
      given(known) {
        end();
        known.waited.count += 1;
        known.waited.ms += clock.elapsedMs() - sinceMs;
        resolve(known);
      },
      turnedAway(reason) {
        end();
        // It is the first choice that was too small.
        const [first] = full;
        if (first !== undefined) first.turnedAway[reason] += 1;
        reject(new NotSent(reason));
      },
    };
    const longestMs = Math.max(...full.map(({ terms }) => terms.queueWaitMsMax));
    const timer = setTimeout(() => waiter.turnedAway('too_long'), longestMs);
    if (isStopped) waiter.turnedAway('stopping');
    else if (gone.aborted) waiter.turnedAway('client_gone');
    else {
      gone.addEventListener('abort', onGone);
      waiters.add(waiter);
      join(waiter, full);
      if (waiter.at.size === 0) waiter.turnedAway('full');
    }
    return promise;
  }

  return {
    isFree: ({ terms: { maxConcurrency }, inFlight }) => maxConcurrency === null || inFlight < maxConcurrency,
    take(known) {
      known.inFlight += 1;
    },
    leave(known) {
      const next = known.queue?.take();
      if (next === undefined) known.inFlight -= 1;
      else next.given(known);
    },
    wait,
    stop() {
      isStopped = true;
      for (const waiter of [...waiters]) waiter.turnedAway('stopping');
    },
  };
}

/** Lets a waiter into the queues that have room for it. Whoever is pushed out of the last queue it is in has to go. */
function join(waiter: Waiter, full: readonly KnownUpstream[]): void {
  for (const known of full) {
    const joined = known.queue?.add(waiter.keyId, waiter);
    if (joined?.added !== true) continue;
    waiter.at.add(known);
    joined.pushedOut?.at.delete(known);
    if (joined.pushedOut?.at.size === 0) joined.pushedOut.turnedAway('full');
  }
}
