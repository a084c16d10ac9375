import { emptyBuckets, roll } from '#core/apply.ts';
import type { Reserve, Settle } from '#core/command.ts';
import type { Outcome } from '#core/ledger-entry.ts';
import type {
  Account,
  Amount,
  ApiKey,
  Buckets,
  Call,
  Instant,
  Meter,
  Quota,
  Reservation,
  UnitPrices,
} from '#core/model.ts';
import { NOTHING } from '#core/model.ts';
import { calendarOf } from '#core/window.ts';

/** The instant at which tests stand unless they say otherwise: a Tuesday. */
export const NOON: Instant = Date.UTC(2026, 10, 24, 12);

export const UTC = calendarOf('UTC');

/** A micro for each token in, two for each token out. */
export const PRICES: UnitPrices = {
  version: 'test-1',
  input: 1_000_000,
  cachedInput: 100_000,
  cacheWrite: 1_000_000,
  output: 2_000_000,
  reasoning: 2_000_000,
  request: 0,
};

export const SERVED: Outcome = { status: 200, upstreamMs: 20, durationMs: 100, upstream: 'upstream' };

/** An account of `keyWith(key)`, unused, beside a sponsor without quotas. */
export function accountWith(key: Partial<ApiKey> = {}, rest: Partial<Omit<Account, 'key'>> = {}): Account {
  const sponsor = { quotas: [], quotasSetAt: 0, buckets: emptyBuckets(), latestAt: 0 };
  return {
    key: keyWith(key),
    buckets: emptyBuckets(),
    open: [],
    lastUsedAt: null,
    arrivalUs: 0,
    sponsor,
    ...rest,
  };
}

/** `account` with what the sponsor allows, and what all keys used of it. */
export function sponsoredBy(account: Account, quotas: readonly Quota[], buckets = emptyBuckets()): Account {
  return { ...account, sponsor: { ...account.sponsor, quotas, buckets } };
}

/** An active key that may do everything, without end and without a rate. */
export function keyWith(changes: Partial<ApiKey> = {}): ApiKey {
  return {
    id: '0197b2a0-0000-7000-8000-000000000001',
    digest: 'd'.repeat(64),
    hint: 'sk-ab12…wxyz',
    previous: null,
    label: 'Ada',
    createdAt: NOON,
    expiresAt: null,
    disabled: false,
    deletedAt: null,
    quotas: [],
    quotasSetAt: NOON,
    models: null,
    ips: null,
    requestsPerMinute: 0,
    maxConcurrency: null,
    metadata: {},
    ...changes,
  };
}

/** Buckets in which every window around `at` counts the same. */
export function bucketsWith(
  { used = {}, held = {} }: { used?: Partial<Amount>; held?: Partial<Amount> },
  at = NOON,
): Buckets {
  return roll(emptyBuckets(), at, UTC).map((bucket) => ({
    ...bucket,
    used: amountOf(used),
    held: amountOf(held),
  }));
}

/** An amount that is zero in every meter that is not named. */
export function amountOf(part: Partial<Amount>): Amount {
  return { ...NOTHING, ...part };
}

/** A call of 100 tokens at most in and 50 at most out. */
export function callWith(changes: Partial<Call> = {}): Call {
  return {
    endpoint: '/v1/chat/completions',
    model: 'deepseek-chat',
    stream: false,
    inputTokensMax: 100,
    outputTokensMax: 50,
    modelOutputTokensMax: null,
    outputTokensMin: 0,
    choices: 1,
    ...changes,
  };
}

/** Asks for `call` at noon. */
export function reserveOf(call: Partial<Call> = {}, changes: Partial<Reserve> = {}): Reserve {
  const at = changes.at ?? NOON;
  return {
    kind: 'reserve',
    at,
    requestId: 'request-1',
    digest: 'd'.repeat(64),
    address: '203.0.113.7',
    call: callWith(call),
    prices: PRICES,
    requestsPerMinute: 0,
    lapsesAt: at + 600_000,
    ...changes,
  };
}

/** An open reservation of `keyWith()`'s, made at noon. */
export function reservationWith(changes: Partial<Reservation> = {}): Reservation {
  const madeAt = changes.madeAt ?? NOON;
  return {
    id: 'request-1',
    keyId: keyWith().id,
    madeAt,
    lapsesAt: madeAt + 600_000,
    amount: { requests: 1, tokens: 150, cost: 200 },
    model: 'deepseek-chat',
    prices: PRICES,
    ...changes,
  };
}

/** Settles `request-1` with so many tokens of input and output. */
export function settleOf(prompt: number, completion: number, changes: Partial<Settle> = {}): Settle {
  return {
    kind: 'settle',
    at: NOON,
    requestId: 'request-1',
    keyId: keyWith().id,
    usage: { prompt, completion, cached: 0, cacheWritten: 0, reasoning: 0 },
    outcome: SERVED,
    ...changes,
  };
}

/** At most `limit` of `meter` a day. */
export function perDay(meter: Meter, limit: number): Quota {
  return { meter, period: 'day', limit };
}
