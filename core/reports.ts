import type { Outcome } from './ledger-entry.ts';
import type { Amount, Instant, KeyId, RequestId, Source, UnitPrices, Usage } from './model.ts';
import type { Page } from './ports.ts';

export interface UsageQuery {
  /** First and last local day, `YYYY-MM-DD`, both included; absent: no bound. */
  readonly fromDay?: string;
  readonly toDay?: string;
  readonly keyId?: KeyId;
  readonly model?: string;
  /** What a row stands for. Newest days come first, then what was used most. */
  readonly groupBy: 'key' | 'model' | 'key_model' | 'day';
  readonly limit: number;
}

/** Counts of one day and, as `groupBy` says, one key or model. */
export interface UsageRow extends UsageCounts {
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
  readonly limit: number;
  /** The last request of the page before. Newest requests come first. */
  readonly after?: RequestId;
}

/** What was used, seen from outside. Includes everything that was acknowledged before the call. */
export interface UsageReports {
  /** Rows and, over all that match and not only the first `limit`, their sum. */
  usage(query: UsageQuery): Promise<{ readonly rows: readonly UsageRow[]; readonly totals: UsageCounts }>;
  receipt(id: RequestId): Promise<Receipt | undefined>;
  receipts(query: ReceiptQuery): Promise<Page<Receipt>>;
}
