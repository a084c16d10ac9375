import type { Instant } from '#core/model.ts';
import { retryAt } from '#core/timetable.ts';
import type { KnownUpstream } from '../proxy/known-upstream.ts';
import { modelsRequest } from '../proxy/models-request.ts';
import { troubleNameOf } from '../proxy/watched-upstream.ts';
import type { Services } from '../services.ts';
import { storeIsWell } from '../store-trouble.ts';
import { watchClock } from './watch-clock.ts';

/** Looks after what is wrong although nobody asks for anything, and whether it still is. */
export type Watch = (at: Instant) => Promise<void>;

type WatchServices = Pick<Services, 'clock' | 'health' | 'keys' | 'troubles' | 'policy' | 'upstream'>;

/** The watch of one process: it remembers what it saw the last time. */
export function createWatch(services: WatchServices): Watch {
  const { health, troubles } = services;
  const lookAtClock = watchClock(services);
  const askUpstreams = services.upstream.all.map((known) => upstreamProbe(known, services));
  return async (at) => {
    for (const ask of askUpstreams) void ask(at);
    await lookAtClock();
    if (troubles.of('store') === undefined) return;
    await health.check();
    storeIsWell(troubles);
  };
}

/**
 * Asks an upstream for its models at the first time, and while it is in trouble now and then: what is wrong is found
 * before the first client finds it, and what is right again although no client tries.
 */
function upstreamProbe(
  { upstream, terms }: KnownUpstream,
  { troubles, policy }: WatchServices,
): (at: Instant) => Promise<void> {
  const name = troubleNameOf(terms);
  let failures = 0;
  let nextAt: Instant | null = null;
  let asking = false;
  return async (at) => {
    const isFirst = nextAt === null;
    if (!policy.upstreamCheck || asking || (nextAt !== null && at < nextAt)) return;
    if (!isFirst && troubles.of(name) === undefined) {
      failures = 0;
      return;
    }
    asking = true;
    failures += 1;
    nextAt = retryAt(failures, at);
    // Its troubles are told by the upstream itself.
    await upstream.send(modelsRequest(terms, {})).catch(() => undefined);
    asking = false;
  };
}
