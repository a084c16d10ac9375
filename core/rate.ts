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

/** The rate limit of a key: `requestsPerMinute` may come at once, and each gives way after its share of a minute. */
export function passRate(arrivalUs: number, requestsPerMinute: number, at: Instant): RateDecision {
  const cells = { count: requestsPerMinute, withinUs: MINUTE_US };
  const passed = passCells(arrivalUs, cells, at);
  const { allowed, left: remaining, resetMs, retryMs } = passed;
  const standing = { requestsPerMinute, remaining, resetMs };
  return { allowed, arrivalUs: passed.arrivalUs, standing, retryMs };
}

interface Cells {
  /** As many may come at once, and again as many in each span. */
  readonly count: number;
  readonly withinUs: number;
}

/** The generic cell rate algorithm (ITU-T I.371). One number, the theoretical arrival time, is all the state there is. */
export function passCells(arrivalUs: number, cells: Cells, at: Instant) {
  const { intervalUs, burstUs, aheadUs } = aheadOf(arrivalUs, cells, at);
  const allowed = aheadUs + intervalUs <= burstUs;
  const afterUs = allowed ? aheadUs + intervalUs : aheadUs;
  return {
    allowed,
    arrivalUs: at * 1000 + afterUs,
    left: Math.floor((burstUs - afterUs) / intervalUs),
    resetMs: Math.ceil(afterUs / 1000),
    retryMs: allowed ? 0 : Math.ceil((aheadUs + intervalUs - burstUs) / 1000),
  };
}

/** What the rate limit stands at, without another request. */
export function rateStanding(arrivalUs: number, requestsPerMinute: number, at: Instant): RateStanding {
  const cells = { count: requestsPerMinute, withinUs: MINUTE_US };
  const { intervalUs, burstUs, aheadUs } = aheadOf(arrivalUs, cells, at);
  const remaining = Math.floor((burstUs - aheadUs) / intervalUs);
  return { requestsPerMinute, remaining, resetMs: Math.ceil(aheadUs / 1000) };
}

function aheadOf(arrivalUs: number, { count, withinUs }: Cells, at: Instant) {
  const intervalUs = Math.ceil(withinUs / count);
  const burstUs = intervalUs * count;
  const aheadUs = Math.max(arrivalUs - at * 1000, 0);
  // Only a clock that was set back makes more of it than a full burst. Then one passes, and what is remembered is of the
  // clock as it is: a refusal is not remembered, and would lock the key out until the clock caught up.
  return { intervalUs, burstUs, aheadUs: aheadUs > burstUs ? burstUs - intervalUs : aheadUs };
}
