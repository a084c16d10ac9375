import type { RateStanding, Standing } from '#core/decision.ts';
import type { Instant } from '#core/model.ts';

/** What a key stands at, as `inWords` tells it. */
export interface Told {
  readonly standings: readonly Standing[];
  readonly rate: Pick<RateStanding, 'requestsPerMinute' | 'remaining'> | null;
  readonly inFlight: number;
  readonly maxConcurrency: number | null;
  readonly expiresAt: Instant | null;
  /** Of the price table; `null`: nothing has a price. */
  readonly currency: string | null;
}

/** A sentence for each limit, for a person: what is left of it, and when it starts anew. */
export function inWords(told: Told, at: Instant): readonly string[] {
  const { standings, rate, inFlight, maxConcurrency, expiresAt, currency } = told;
  const said = standings.map((standing) => quotaInWords(standing, currency, at));
  if (rate !== null) said.push(`${rate.remaining} of ${rate.requestsPerMinute} requests per minute left.`);
  if (maxConcurrency !== null) said.push(`${inFlight} of ${maxConcurrency} requests in flight.`);
  if (said.length === 0) said.push('Nothing is limited.');
  if (expiresAt !== null) said.push(`The key expires ${when(expiresAt, at)}.`);
  return said;
}

function quotaInWords(
  { meter, period, limit, used, held, resetsAt }: Standing,
  currency: string | null,
  at: Instant,
) {
  const shown = (count: number) => (meter === 'cost' ? moneyOf(count) : String(count));
  const unit = meter === 'cost' ? (currency ?? 'of cost') : meter;
  const per = period === 'total' ? 'in total' : `per ${period}`;
  const holding = held === 0 ? '' : `, ${shown(held)} held for requests in flight`;
  const anew = resetsAt === null ? '' : `; starts anew ${when(resetsAt, at)}`;
  const left = shown(Math.max(limit - used - held, 0));
  return `${left} of ${shown(limit)} ${unit} ${per} left (${shown(used)} used${holding})${anew}.`;
}

/** Micros as an amount of money, with no more decimals than it has. */
function moneyOf(micros: number): string {
  const decimals = String(micros % 1_000_000)
    .padStart(6, '0')
    .replace(/0+$/, '');
  const whole = Math.floor(micros / 1_000_000);
  return decimals === '' ? String(whole) : `${whole}.${decimals}`;
}

function when(instant: Instant, at: Instant): string {
  return `in ${spanInWords(instant - at)}, at ${new Date(instant).toISOString()}`;
}

const UNITS = [
  { name: 'd', seconds: 86_400 },
  { name: 'h', seconds: 3_600 },
  { name: 'min', seconds: 60 },
  { name: 's', seconds: 1 },
] as const;

/** The two largest units that a span has, rounded up to a second: `2 d 3 h`, `5 min`. */
function spanInWords(spanMs: number): string {
  let rest = Math.max(Math.ceil(spanMs / 1000), 0);
  const parts: string[] = [];
  for (const { name, seconds } of UNITS) {
    const count = Math.floor(rest / seconds);
    rest -= count * seconds;
    if (count > 0) parts.push(`${count} ${name}`);
    else if (parts.length > 0) break;
  }
  return parts.slice(0, 2).join(' ') || '0 s';
}
