import { includesAddress } from './address.ts';
import { ledgerTime } from './amend.ts';
import { roll } from './apply.ts';
import type { Reserve } from './command.ts';
import type { Admission, Decision, Denial, Limits, Refusal, Standing } from './decision.ts';
import { statusOf } from './expire.ts';
import { isGoverned, worstCase } from './meter.ts';
import type { Account, ApiKey, Buckets, Call, Instant, Quota, UnitPrices } from './model.ts';
import { PERIODS } from './model.ts';
import { outputTokensFor } from './price.ts';
import type { RateDecision } from './rate.ts';
import { passRate, rateStanding } from './rate.ts';
import { opens } from './rotate.ts';
import type { Calendar } from './window.ts';

/** A client that gives no bound gets this one: what DeepSeek and older OpenAI models allow at the least. */
const OUTPUT_TOKENS_DEFAULT = 4096;

/** An answer cut shorter than this helps nobody: rather refuse, and say why. */
const OUTPUT_TOKENS_MIN = 16;

/**
 * Sets aside the most that a call can use, or says why not. Refuses in a fixed order: unknown, deleted,
 * disabled, expired, address, model not allowed, model not priced, too many in flight, rate,
 * quota of the key, quota of the sponsor.
 */
export function authorize(
  account: Account | undefined,
  command: Reserve,
  calendar: Calendar,
): Decision<Admission | Refusal> {
  if (account === undefined) return refused({ kind: 'unknown_key' });
  const locked = enter(account.key, command);
  if (locked !== undefined) return refused(locked);
  const { key, sponsor, arrivalUs } = account;

  const madeAt = ledgerTime(sponsor, command.at);
  const limits = limitsOf(account, command, calendar);
  const ofKey = limits.standings;
  const deny = (denial: Denial) => refused(denial, limits);

  const denial = suit(account, command) ?? crowd(key, account.open.length);
  if (denial !== undefined) return deny(denial);
  const rate = limits.rate && passRate(arrivalUs, limits.rate.requestsPerMinute, command.at);
  if (rate !== null && !rate.allowed) {
    return deny({ kind: 'rate_exceeded', rate: rate.standing, retryMs: rate.retryMs });
  }

  const ofSponsor = standingsOf(sponsor.quotas, sponsor.buckets, madeAt, calendar);
  const wanted = wantedOutputTokens(command.call);
  const quota = tooFull('key', ofKey, wanted, command) ?? tooFull('sponsor', ofSponsor, wanted, command);
  if (quota !== undefined) return deny(quota);

  const granted = [...ofKey, ...ofSponsor].reduce(
    (tokens, standing) => Math.min(tokens, affordable(standing, command.call, command.prices)),
    wanted,
  );
  return admitted(account, command, { madeAt, granted, rate, standings: ofKey });
}

/** Who comes: with which secret, from where, when. */
export type Entrant = Pick<Reserve, 'digest' | 'address' | 'at'>;

/** Whether the holder of `key` may come in at all; `undefined` if so. An old secret whose grace is over is unknown. */
export function enter(key: ApiKey, { digest, address, at }: Entrant): Denial | undefined {
  if (!opens(key, digest, at)) return { kind: 'unknown_key' };
  switch (statusOf(key, at)) {
    case 'deleted':
      return { kind: 'deleted_key' };
    case 'disabled':
      return { kind: 'key_disabled' };
    case 'expired':
      return { kind: 'key_expired', expiredAt: key.expiresAt ?? at };
    case 'active':
      if (key.ips !== null && !includesAddress(key.ips, address)) return { kind: 'ip_not_allowed', address };
      return undefined;
  }
}

/** What the limits of the key stand at, of which this takes nothing. */
export function limitsOf(
  account: Account,
  { at, requestsPerMinute }: Pick<Reserve, 'at' | 'requestsPerMinute'>,
  calendar: Calendar,
): Limits {
  const { key, buckets, arrivalUs, sponsor } = account;
  const rate = key.requestsPerMinute ?? requestsPerMinute;
  return {
    standings: standingsOf(key.quotas, buckets, ledgerTime(sponsor, at), calendar),
    rate: rate === 0 ? null : rateStanding(arrivalUs, rate, at),
  };
}

/** What each quota stands at in its window at `at`. */
export function standingsOf(
  quotas: readonly Quota[],
  buckets: Buckets,
  at: Instant,
  calendar: Calendar,
): readonly Standing[] {
  if (quotas.length === 0) return [];
  const current = roll(buckets, at, calendar);
  return quotas.map((quota) => {
    const bucket = current[PERIODS.indexOf(quota.period)];
    if (bucket === undefined) throw new Error(`no bucket for ${quota.period}`);
    const { meter, period, limit } = quota;
    // The window may be later than `at` where the clock was set back: its end follows from its start.
    const resetsAt = calendar.windowOf(period, Math.max(at, bucket.startsAt)).endsAt;
    return { meter, period, limit, used: bucket.used[meter], held: bucket.held[meter], resetsAt };
  });
}

function suit(account: Account, { call: { model }, prices }: Reserve): Denial | undefined {
  const { models } = account.key;
  if (models !== null && !models.includes(model)) return { kind: 'model_not_allowed', model, models };
  if (prices === null && isGoverned(account, 'cost')) return { kind: 'model_not_priced', model };
  return undefined;
}

function crowd({ maxConcurrency }: ApiKey, inFlight: number): Denial | undefined {
  if (maxConcurrency === null || inFlight < maxConcurrency) return undefined;
  return { kind: 'too_many_in_flight', maxConcurrency };
}

/** What each choice may grow to if no quota stands in the way. */
function wantedOutputTokens({ outputTokensMax, modelOutputTokensMax }: Call): number {
  const bound = Math.min(outputTokensMax ?? Infinity, modelOutputTokensMax ?? Infinity);
  return bound === Infinity ? OUTPUT_TOKENS_DEFAULT : bound;
}

function tooFull(
  holder: 'key' | 'sponsor',
  standings: readonly Standing[],
  wanted: number,
  { call, prices }: Reserve,
): Denial | undefined {
  const outputTokensMin = Math.max(OUTPUT_TOKENS_MIN, call.outputTokensMin);
  const least = worstCase(call, Math.min(wanted, outputTokensMin), prices);
  for (const standing of standings) {
    const asked = least[standing.meter];
    if (remainingOf(standing) < asked) return { kind: 'quota_exceeded', holder, standing, asked };
  }
  return undefined;
}

/** Output tokens for each choice that what is left of a quota pays for. */
function affordable(standing: Standing, call: Call, prices: UnitPrices | null): number {
  const remaining = remainingOf(standing);
  switch (standing.meter) {
    case 'requests':
      return Infinity;
    case 'tokens':
      return Math.floor((remaining - call.inputTokensMax) / call.choices);
    case 'cost':
      if (prices === null) throw new Error('a cost quota met a model without a price');
      return Math.floor(outputTokensFor(remaining, call.inputTokensMax, prices) / call.choices);
  }
}

interface Terms {
  readonly madeAt: Instant;
  readonly granted: number;
  readonly rate: RateDecision | null;
  readonly standings: readonly Standing[];
}

function admitted(account: Account, command: Reserve, terms: Terms): Decision<Admission> {
  const { call, prices, requestId, lapsesAt } = command;
  const { madeAt, granted, rate, standings } = terms;
  const keyId = account.key.id;
  const amount = worstCase(call, granted, prices);
  const reservation = { id: requestId, keyId, madeAt, lapsesAt, amount, model: call.model, prices };
  const { endpoint, stream } = call;
  const arrivalUs = rate?.arrivalUs ?? account.arrivalUs;
  const bounded = isGoverned(account, 'tokens') || isGoverned(account, 'cost');
  return {
    entries: [{ kind: 'reserved', requestId, keyId, at: madeAt, reservation, endpoint, stream, arrivalUs }],
    result: {
      admitted: true,
      reservation,
      outputTokensMax: bounded ? granted : null,
      standings: standings.map((standing) => ({ ...standing, held: standing.held + amount[standing.meter] })),
      rate: rate?.standing ?? null,
    },
  };
}

function remainingOf({ limit, used, held }: Standing): number {
  return limit - used - held;
}

function refused(denial: Denial, limits: Limits = { standings: [], rate: null }): Decision<Refusal> {
  return { entries: [], result: { admitted: false, denial, ...limits } };
}
