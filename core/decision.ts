import type { LedgerEntry } from './ledger-entry.ts';
import type { Instant, Quota, Reservation } from './model.ts';

/** What a quota stands at. */
export interface Standing extends Quota {
  readonly used: number;
  readonly held: number;
  /** `null` for a quota that never starts anew. */
  readonly resetsAt: Instant | null;
}

/** What the rate limit stands at. */
export interface RateStanding {
  readonly requestsPerMinute: number;
  /** Requests that would pass at once. */
  readonly remaining: number;
  /** Until all of `requestsPerMinute` would pass at once again, in milliseconds. */
  readonly resetMs: number;
}

/** What the holder of a key may know of its limits. */
export interface Limits {
  readonly standings: readonly Standing[];
  readonly rate: RateStanding | null;
}

export interface Admission extends Limits {
  readonly admitted: true;
  readonly reservation: Reservation;
  /** The bound on output tokens of one choice that the upstream must hear; `null`: leave the call alone. */
  readonly outputTokensMax: number | null;
}

export type Denial =
  | { readonly kind: 'unknown_key' }
  | { readonly kind: 'deleted_key' }
  | { readonly kind: 'key_disabled' }
  | { readonly kind: 'key_expired'; readonly expiredAt: Instant }
  | { readonly kind: 'ip_not_allowed'; readonly address: string }
  | { readonly kind: 'model_not_allowed'; readonly model: string; readonly models: readonly string[] }
  | { readonly kind: 'model_not_priced'; readonly model: string }
  | { readonly kind: 'too_many_in_flight'; readonly maxConcurrency: number }
  | { readonly kind: 'rate_exceeded'; readonly rate: RateStanding; readonly retryMs: number }
  | {
      readonly kind: 'quota_exceeded';
      readonly holder: 'key' | 'sponsor';
      readonly standing: Standing;
      readonly asked: number;
    };

/** The limits are those without this request; none for who may not come in. */
export interface Refusal extends Limits {
  readonly admitted: false;
  readonly denial: Denial;
}

/** `ended` is false if the request was not open: ended before, or never reserved. */
export interface Ending {
  readonly ended: boolean;
}

/** What a pure function decided: the facts to record, and the answer. */
export interface Decision<R> {
  readonly entries: readonly LedgerEntry[];
  readonly result: R;
}
