/** Milliseconds since the Unix epoch, an integer. */
export type Instant = number;

/** A UUIDv7 (RFC 9562 §5.7) in its usual text form. */
export type KeyId = string;
/** A UUIDv7: one client call, its reservation and its ledger entries. */
export type RequestId = string;
/** HMAC-SHA-256 of a secret under the pepper, 64 lower-case hex digits. The secret itself is never stored. */
export type Digest = string;

/** Every meter. `cost` is in integer micros of the price table's currency. */
export const METERS = ['requests', 'tokens', 'cost'] as const;
export type Meter = (typeof METERS)[number];

/** Every period, shortest first. */
export const PERIODS = ['minute', 'hour', 'day', 'month', 'total'] as const;
export type Period = (typeof PERIODS)[number];

/** A number per meter. */
export type Amount = Readonly<Record<Meter, number>>;

/** At most `limit` of `meter` in each `period`. */
export interface Quota {
  readonly meter: Meter;
  readonly period: Period;
  readonly limit: number;
}

/** What was handed out. It has a digest, never a secret. Lists that are `null` allow everything. */
export interface ApiKey {
  readonly id: KeyId;
  readonly digest: Digest;
  /** The secret as it may be shown after its making: `sk-ab12…wxyz`. */
  readonly hint: string;
  /** The secret before the last rotation, where it was given a grace; it may be over. */
  readonly previous: PreviousSecret | null;
  readonly label: string;
  readonly createdAt: Instant;
  readonly expiresAt: Instant | null;
  readonly disabled: boolean;
  readonly deletedAt: Instant | null;
  readonly quotas: readonly Quota[];
  /** When the quotas were last set: what was used before was used under others. */
  readonly quotasSetAt: Instant;
  readonly models: readonly string[] | null;
  /** Addresses and CIDR ranges (RFC 4632, RFC 4291 §2.3). */
  readonly ips: readonly string[] | null;
  /** `null` takes the proxy's own rate; 0 is no rate limit. */
  readonly requestsPerMinute: number | null;
  readonly maxConcurrency: number | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A secret that was replaced by a new one, and that opens the same key until its grace ends. */
export interface PreviousSecret {
  readonly digest: Digest;
  readonly hint: string;
  /** From this instant on it opens nothing. */
  readonly endsAt: Instant;
}

export type KeyStatus = 'active' | 'disabled' | 'expired' | 'deleted';

/** Prices of one model in micros per million tokens, and micros per request. */
export interface UnitPrices {
  /** Version of the price table that they come from. */
  readonly version: string;
  readonly input: number;
  readonly cachedInput: number;
  readonly cacheWrite: number;
  readonly output: number;
  readonly reasoning: number;
  readonly request: number;
}

/**
 * Tokens by class as the upstream counted them. `cached`, read from the provider's cache, and `cacheWritten`, put into
 * it, are parts of `prompt`, and have none in common; `reasoning` is part of `completion`.
 */
export interface Usage {
  readonly prompt: number;
  readonly completion: number;
  readonly cached: number;
  readonly cacheWritten: number;
  readonly reasoning: number;
}

/** What the ledger needs to know of a client's call in order to bound what it may cost. */
export interface Call {
  readonly endpoint: string;
  readonly model: string;
  readonly stream: boolean;
  /** Upper bound of the input's tokens. */
  readonly inputTokensMax: number;
  /** The client's own bound on output tokens of one choice; `null` if it gave none. */
  readonly outputTokensMax: number | null;
  /** The model's own bound on output tokens of one choice; `null` if it is not known. */
  readonly modelOutputTokensMax: number | null;
  /** With a lower bound on the output of one choice the upstream would refuse the call; 0 if there is none. */
  readonly outputTokensMin: number;
  /** How many answers are generated and billed (`n`, `best_of`). */
  readonly choices: number;
}

/** An amount held for a request in flight. */
export interface Reservation {
  readonly id: RequestId;
  readonly keyId: KeyId;
  readonly madeAt: Instant;
  /** Past this instant nobody will settle it any more. */
  readonly lapsesAt: Instant;
  readonly amount: Amount;
  readonly model: string;
  readonly prices: UnitPrices | null;
}

/**
 * The counters of one window: the current one of `period` that began at `startsAt`.
 * An account keeps one for every period whether a quota names it or not,
 * so that a quota set in mid-month knows what the month has seen.
 */
export interface Bucket {
  readonly period: Period;
  readonly startsAt: Instant;
  readonly used: Amount;
  readonly held: Amount;
}

/** The counters of a key, or of the sponsor. One bucket per period, in the order of `PERIODS`. */
export type Buckets = readonly Bucket[];

/** All keys together: what the sponsor allows and what was used of it. */
export interface Sponsor {
  readonly quotas: readonly Quota[];
  readonly quotasSetAt: Instant;
  readonly buckets: Buckets;
  /** The latest instant of any reservation or import. The ledger's time never runs backwards, whatever the clock does. */
  readonly latestAt: Instant;
}

/** Everything a decision about one key depends on. */
export interface Account {
  readonly key: ApiKey;
  readonly buckets: Buckets;
  readonly open: readonly Reservation[];
  readonly lastUsedAt: Instant | null;
  /** GCRA's theoretical arrival time, in microseconds since the epoch. */
  readonly arrivalUs: number;
  readonly sponsor: Sponsor;
}

/** Where a settled amount comes from: the upstream's own count, or the reservation for want of one. */
export type Source = 'upstream' | 'estimate';

/** What a request that ended was charged. */
export interface Charge {
  readonly used: Amount;
  readonly source: Source;
  /** Whether its model had a price: else its cost is not known. */
  readonly priced: boolean;
}

export const NOTHING: Amount = { requests: 0, tokens: 0, cost: 0 };
