import type { RateStanding } from './decision.ts';
import type { Instant } from './model.ts';

/** What the rate limit says of one more request. */
export interface RateDecision {
  readonly allowed: boolean;
  /** The theoretical arrival time to remember if the request is admitted, in microseconds. */
  readonly arrivalUs: number;
  /** What is left: after the request if it is allowed, else now. */
  readonly standing: RateStanding;
  /** Until one request would pass, in milliseconds; 0 if it passes. */
  readonly retryMs: number;
}

const MINUTE_US = 60_000_000;

/**
 * The generic cell rate algorithm (ITU-T I.371): `requestsPerMinute` may come at once,
 * and each gives way after its share of a minute. One number is all the state there is.
 */
export function passRate(arrivalUs: number, requestsPerMinute: number, at: Instant): RateDecision {
  const { intervalUs, burstUs, aheadUs } = aheadOf(arrivalUs, requestsPerMinute, at);
  const allowed = aheadUs + intervalUs <= burstUs;
  const afterUs = allowed ? aheadUs + intervalUs : aheadUs;
  return {
    allowed,
    arrivalUs: at * 1000 + afterUs,
    standing: standingAt(afterUs, requestsPerMinute),
    retryMs: allowed ? 0 : Math.ceil((aheadUs + intervalUs - burstUs) / 1000),
  };
}

/** What the rate limit stands at, without another request. */
export function rateStanding(arrivalUs: number, requestsPerMinute: number, at: Instant): RateStanding {
  return standingAt(aheadOf(arrivalUs, requestsPerMinute, at).aheadUs, requestsPerMinute);
}

function aheadOf(arrivalUs: number, requestsPerMinute: number, at: Instant) {
  const intervalUs = Math.ceil(MINUTE_US / requestsPerMinute);
  const burstUs = intervalUs * requestsPerMinute;
  // Never further ahead than a full burst: else a clock set back would lock the key out until it caught up.
  const aheadUs = Math.min(Math.max(arrivalUs - at * 1000, 0), burstUs);
  return { intervalUs, burstUs, aheadUs };
}

function standingAt(aheadUs: number, requestsPerMinute: number): RateStanding {
  const intervalUs = Math.ceil(MINUTE_US / requestsPerMinute);
  return {
    requestsPerMinute,
    remaining: Math.floor((intervalUs * requestsPerMinute - aheadUs) / intervalUs),
    resetMs: Math.ceil(aheadUs / 1000),
  };
}
