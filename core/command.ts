import type { Admission, Ending, Refusal } from './decision.ts';
import type { Outcome } from './ledger-entry.ts';
import type { Call, Digest, Instant, KeyId, RequestId, UnitPrices, Usage } from './model.ts';

/** Asks for a decision. It carries its instant, and is nothing but data. */
export type Command = Reserve | Settle | Release | Lapse | Reset;

export interface Reserve {
  readonly kind: 'reserve';
  readonly at: Instant;
  readonly requestId: RequestId;
  readonly digest: Digest;
  readonly address: string;
  readonly call: Call;
  readonly prices: UnitPrices | null;
  /** For a key that has no rate of its own; 0 is no rate limit. */
  readonly requestsPerMinute: number;
  readonly lapsesAt: Instant;
}

interface OfRequest {
  readonly at: Instant;
  readonly requestId: RequestId;
  readonly keyId: KeyId;
}

/** Ends a reservation whose request was served, or may have been. `usage: null` costs the reservation. */
export interface Settle extends OfRequest {
  readonly kind: 'settle';
  readonly usage: Usage | null;
  readonly outcome: Outcome;
}

/** Ends a reservation whose request was certainly not served. */
export interface Release extends OfRequest {
  readonly kind: 'release';
  readonly outcome: Outcome;
}

/** Ends a reservation that nobody will settle any more. */
export interface Lapse extends OfRequest {
  readonly kind: 'lapse';
}

/** Starts the current windows of a key anew. */
export interface Reset {
  readonly kind: 'reset';
  readonly at: Instant;
  readonly keyId: KeyId;
}

export type ResultOf<C extends Command> = C extends Reserve ? Admission | Refusal : Ending;
