import type { Amount, Instant, KeyId, RequestId, Reservation, Source, Usage } from './model.ts';
import type { PastUse } from './past-use.ts';

/** How the exchange ended, for the receipt. */
export interface Outcome {
  /** HTTP status given to the client; 499 if it hung up first (nginx's word for it). */
  readonly status: number;
  /** Until the upstream's answer, or the first bytes of a stream, in milliseconds; `null` if none came. */
  readonly upstreamMs: number | null;
  /** From the client's request to the end of the answer, in milliseconds. */
  readonly durationMs: number;
  /** Who gave the answer, or was the last to be asked; `null` where nobody was, and in rows from before there were several. */
  readonly upstream: string | null;
}

/** What every entry about a request says. */
interface Recorded {
  readonly requestId: RequestId;
  readonly keyId: KeyId;
  readonly at: Instant;
}

/** A recorded fact. What it means for an account is `apply`. */
export type LedgerEntry =
  | (Recorded & {
      readonly kind: 'reserved';
      readonly reservation: Reservation;
      readonly endpoint: string;
      readonly stream: boolean;
      readonly arrivalUs: number;
    })
  | (Recorded & {
      readonly kind: 'settled';
      readonly used: Amount;
      /** What the upstream billed beyond the reservation, per meter that a quota governs; else zero. */
      readonly overdraft: Amount;
      readonly usage: Usage | null;
      readonly source: Source;
      readonly outcome: Outcome;
    })
  | (Recorded & { readonly kind: 'released'; readonly outcome: Outcome })
  | (Recorded & { readonly kind: 'lapsed'; readonly used: Amount })
  | (PastUse & { readonly kind: 'imported'; readonly keyId: KeyId; readonly at: Instant })
  | { readonly kind: 'reset'; readonly keyId: KeyId; readonly at: Instant };
