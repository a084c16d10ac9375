import type { Outcome } from './ledger-entry.ts';
import type { Amount, Instant, KeyId, RequestId, Source, UnitPrices, Usage } from './model.ts';

export interface UsageQuery {
  /** First and last local day, `YYYY-MM-DD`, both included; absent: no bound. */
  readonly fromDay?: string;
  readonly toDay?: string;
  readonly keyId?: KeyId;
  readonly model?: string;
  /** What a row stands for: of a day, or all of a month. Newest come first. */
  readonly groupBy: 'key' | 'model' | 'key_model' | 'day' | 'month';
  /** Within a day: what was used most first (so if absent), which changes while it is used; or by key and model, which stays. */
  readonly sort?: 'requests' | 'key';
  readonly limit: number;
  /** Only rows behind this place: that of the last row of the page before. */
  readonly after?: UsagePlace;
}

/** Where a row stands among others. */
export type UsagePlace = Pick<UsageRow, 'day' | 'requests' | 'keyId' | 'model'>;

export interface UsagePage {
  readonly rows: readonly UsageRow[];
  /** Of all that match, on whatever page. */
  readonly totals: UsageCounts;
  /** Whether there are rows behind these. */
  readonly more: boolean;
}

/** Counts of one day and, as `groupBy` says, one key or model. */
export interface UsageRow extends UsageCounts {
  /** `YYYY-MM-DD`; of a month `YYYY-MM`. */
  readonly day: string;
  /** `null` where rows of several keys are added up. */
  readonly keyId: KeyId | null;
  readonly label: string | null;
  readonly hint: string | null;
  readonly model: string | null;
  readonly updatedAt: Instant;
}

export interface UsageCounts {
  /** Reserved: admitted to the upstream. */
  readonly requests: number;
  /** Ended with a status below 400. */
  readonly successes: number;
  /** Ended otherwise, lapsed ones too. */
  readonly errors: number;
  /** Refused by `authorize`. Not in the ledger: a crash may lose the last of these. */
  readonly rejections: number;
  readonly prompt: number;
  readonly completion: number;
  readonly cached: number;
  readonly costMicros: number;
}

/** All that is known of one request. */
export interface Receipt {
  /** The number of its ledger entry. */
  readonly n: number;
  readonly requestId: RequestId;
  readonly keyId: KeyId;
  readonly endpoint: string;
  readonly model: string;
  readonly stream: boolean;
  readonly status: 'open' | 'settled' | 'released' | 'lapsed';
  readonly madeAt: Instant;
  readonly endedAt: Instant | null;
  readonly reserved: Amount;
  readonly used: Amount | null;
  readonly overdraft: Amount | null;
  readonly usage: Usage | null;
  readonly source: Source | null;
  readonly prices: UnitPrices | null;
  readonly outcome: Outcome | null;
}

export interface ReceiptQuery {
  readonly keyId?: KeyId;
  readonly from?: Instant;
  readonly to?: Instant;
  readonly model?: string;
  readonly endpoint?: string;
  readonly status?: Receipt['status'];
  /** HTTP statuses, both included. */
  readonly httpStatus?: { readonly first: number; readonly last: number };
  readonly source?: Source;
  /** Only those that the upstream billed more for than was reserved. */
  readonly overdrawn?: true;
  readonly limit: number;
  /** Only entries before this number: `next` of the page before. Newest requests come first. */
  readonly before?: number;
}

export interface ReceiptPage {
  readonly items: readonly Receipt[];
  /**
   * Where to go on, whatever is added or deleted meanwhile; `null` if there is nothing older. A store may end a long search
   * early: then there are fewer items than `limit`, and still a place to go on.
   */
  readonly next: number | null;
}

/** What was used, seen from outside. Includes everything that was acknowledged before the call. */
export interface UsageReports {
  usage(query: UsageQuery): Promise<UsagePage>;
  receipt(id: RequestId): Promise<Receipt | undefined>;
  receipts(query: ReceiptQuery): Promise<ReceiptPage>;
}
