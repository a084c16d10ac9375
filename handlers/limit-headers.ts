import type { Admission, Instant, RateStanding, Standing } from '#core/model.ts';
import { METERS } from '#core/model.ts';

type HeaderRecord = Record<string, string>;

const PERIOD_SECONDS = { minute: 60, hour: 3600, day: 86_400, month: 2_592_000, total: 0 } as const;

/** What a client may know of its limits after an admission, in the words of OpenAI and of the IETF. */
export function limitHeaders({ rate, standings }: Admission, at: Instant): HeaderRecord {
  const headers: HeaderRecord = rate === null ? {} : rateHeaders(rate);
  for (const standing of standings) {
    if (standing.meter === 'tokens' && standing.period === 'minute')
      Object.assign(headers, tokenHeaders(standing, at));
  }
  for (const meter of METERS) {
    const left = standings.filter((standing) => standing.meter === meter).map(remainingOf);
    if (left.length > 0) headers[`x-quota-remaining-${meter}`] = String(Math.min(...left));
  }
  if (rate !== null || standings.length > 0) Object.assign(headers, ietfHeaders(rate, standings, at));
  return headers;
}

/** The request rate, as OpenAI's API tells it. */
export function rateHeaders({ requestsPerMinute, remaining, resetMs }: RateStanding): HeaderRecord {
  return {
    'x-ratelimit-limit-requests': String(requestsPerMinute),
    'x-ratelimit-remaining-requests': String(remaining),
    'x-ratelimit-reset-requests': spanOf(resetMs),
  };
}

function tokenHeaders(standing: Standing, at: Instant): HeaderRecord {
  return {
    'x-ratelimit-limit-tokens': String(standing.limit),
    'x-ratelimit-remaining-tokens': String(remainingOf(standing)),
    'x-ratelimit-reset-tokens': spanOf((standing.resetsAt ?? at) - at),
  };
}

/** draft-ietf-httpapi-ratelimit-headers-10: `q` quota, `w` window in seconds, `r` remaining, `t` seconds left. */
function ietfHeaders(rate: RateStanding | null, standings: readonly Standing[], at: Instant): HeaderRecord {
  const policies: string[] = [];
  const limits: string[] = [];
  if (rate !== null) {
    policies.push(`"rate";q=${rate.requestsPerMinute};w=60`);
    limits.push(`"rate";r=${rate.remaining};t=${Math.ceil(rate.resetMs / 1000)}`);
  }
  for (const standing of standings) {
    const name = `"${standing.meter}-${standing.period}"`;
    const window = PERIOD_SECONDS[standing.period];
    policies.push(`${name};q=${standing.limit}${window === 0 ? '' : `;w=${window}`}`);
    const left = standing.resetsAt === null ? '' : `;t=${Math.ceil((standing.resetsAt - at) / 1000)}`;
    limits.push(`${name};r=${remainingOf(standing)}${left}`);
  }
  return { 'ratelimit-policy': policies.join(', '), ratelimit: limits.join(', ') };
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
