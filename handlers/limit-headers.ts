import type { Admission, Limits, RateStanding, Standing } from '#core/decision.ts';
import type { Amount, Instant } from '#core/model.ts';

type HeaderRecord = Record<string, string>;

const MINUTE_MS = 60_000;
const PERIOD_SECONDS = { minute: 60, hour: 3600, day: 86_400, month: 2_592_000 } as const;

/** What the limits stand at when an admitted request has been charged, and no longer holds anything. */
export function afterwards({ rate, standings, reservation }: Admission, charged: Amount): Limits {
  const { amount } = reservation;
  return {
    rate,
    standings: standings.map(({ meter, used, held, ...quota }) => ({
      ...{ meter, ...quota },
      used: used + charged[meter],
      held: held - amount[meter],
    })),
  };
}

/** What limits stand at some time later, if nobody else came: the rate has given way meanwhile. */
export function later({ rate, standings }: Limits, elapsedMs: number): Limits {
  return { rate: rate && laterRate(rate, Math.max(elapsedMs, 0)), standings };
}

function laterRate({ requestsPerMinute, remaining, resetMs }: RateStanding, elapsedMs: number): RateStanding {
  const back = Math.floor((elapsedMs * requestsPerMinute) / MINUTE_MS);
  return {
    requestsPerMinute,
    remaining: elapsedMs < resetMs ? Math.min(remaining + back, requestsPerMinute) : requestsPerMinute,
    resetMs: Math.max(resetMs - elapsedMs, 0),
  };
}

/** What a client may know of its limits, in the words of OpenAI and of the IETF. */
export function limitHeaders({ rate, standings }: Limits, at: Instant): HeaderRecord {
  const headers: HeaderRecord = rate === null ? {} : rateHeaders(rate);
  for (const standing of standings) {
    if (standing.period === 'minute') addMinuteHeaders(headers, standing, at);
    const name = `x-quota-remaining-${standing.meter}`;
    const least = Math.min(remainingOf(standing), Number(headers[name] ?? Infinity));
    headers[name] = String(least);
  }
  if (rate !== null || standings.length > 0) addIetfHeaders(headers, rate, standings, at);
  return headers;
}

/** The request rate, as OpenAI's API tells it. */
function rateHeaders({ requestsPerMinute, remaining, resetMs }: RateStanding): HeaderRecord {
  return {
    'x-ratelimit-limit-requests': String(requestsPerMinute),
    'x-ratelimit-remaining-requests': String(remaining),
    'x-ratelimit-reset-requests': spanOf(resetMs),
  };
}

/** A quota of a minute is a rate limit to its user. Of a rate and a quota of requests, the one counts that ends first. */
function addMinuteHeaders(headers: HeaderRecord, standing: Standing, at: Instant): void {
  const { meter, limit, resetsAt } = standing;
  const remaining = remainingOf(standing);
  if (meter === 'cost' || Number(headers[`x-ratelimit-remaining-${meter}`] ?? Infinity) <= remaining) return;
  headers[`x-ratelimit-limit-${meter}`] = String(limit);
  headers[`x-ratelimit-remaining-${meter}`] = String(remaining);
  headers[`x-ratelimit-reset-${meter}`] = spanOf((resetsAt ?? at) - at);
}

/** draft-ietf-httpapi-ratelimit-headers-10: `q` quota, `w` window in seconds, `r` remaining, `t` seconds left. */
function addIetfHeaders(
  headers: HeaderRecord,
  rate: RateStanding | null,
  standings: readonly Standing[],
  at: Instant,
): void {
  let policy = rate === null ? '' : `"rate";q=${rate.requestsPerMinute};w=60`;
  let limit = rate === null ? '' : `"rate";r=${rate.remaining};t=${Math.ceil(rate.resetMs / 1000)}`;
  for (const standing of standings) {
    const { meter, period, resetsAt } = standing;
    const comma = policy === '' ? '' : ', ';
    const window = period === 'total' ? '' : `;w=${PERIOD_SECONDS[period]}`;
    // What was admitted in one window may be answered in the next.
    const left = resetsAt === null ? '' : `;t=${Math.max(Math.ceil((resetsAt - at) / 1000), 0)}`;
    policy += `${comma}"${meter}-${period}";q=${standing.limit}${window}`;
    limit += `${comma}"${meter}-${period}";r=${remainingOf(standing)}${left}`;
  }
  headers['ratelimit-policy'] = policy;
  headers['ratelimit'] = limit;
}

function remainingOf({ limit, used, held }: Standing): number {
  return Math.max(0, limit - used - held);
}

/** A span as OpenAI writes it: `0s`, `120ms`, `1.5s`, `6m0s`. */
function spanOf(spanMs: number): string {
  if (spanMs <= 0) return '0s';
  if (spanMs < 1000) return `${spanMs}ms`;
  if (spanMs < 60_000) return `${spanMs / 1000}s`;
  const seconds = Math.ceil(spanMs / 1000);
  const minutes = Math.floor(seconds / 60);
  const rest = `${seconds % 60}s`;
  return minutes < 60 ? `${minutes}m${rest}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${rest}`;
}
