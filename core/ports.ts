import type {
  Account,
  Amount,
  ApiKey,
  Charge,
  Command,
  Digest,
  Instant,
  KeyId,
  KeyStatus,
  Outcome,
  Quota,
  RequestId,
  ResultOf,
  Source,
  Sponsor,
  UnitPrices,
  Usage,
} from './model.ts';
import type { Operation, OperationDraft } from './operation.ts';
import type { PastUse } from './past-use.ts';

/** The only door to stored usage. */
export interface Ledger {
  /**
   * Loads the account that the command names, asks core's `decide`, records its entries:
   * one durable, atomic step. Resolves only once it would survive power loss.
   * Because `decide` is pure and a command is data, an adapter may answer many with one commit,
   * run in another thread, or run again after a conflict.
   * @throws StoreUnavailable if nothing could be recorded
   */
  execute<C extends Command>(command: C): Promise<ResultOf<C>>;
  /**
   * Open reservations that nobody will settle any more, oldest first, at most `limit`: those that lapsed
   * before `at`, and those of a process that is gone.
   */
  lapsed(at: Instant, limit: number): Promise<readonly LapsedReservation[]>;
}

export interface LapsedReservation {
  readonly requestId: RequestId;
  readonly keyId: KeyId;
}

export type KeyRef = { readonly id: KeyId } | { readonly digest: Digest };

/** Changes to a key. A member that is absent stays as it is. */
export interface KeyAmendment {
  /** When: quotas that are given count as set at this instant. */
  readonly at: Instant;
  readonly label?: string;
  readonly disabled?: boolean;
  readonly deletedAt?: Instant;
  readonly expiresAt?: Instant | null;
  readonly quotas?: readonly Quota[];
  readonly models?: readonly string[] | null;
  readonly ips?: readonly string[] | null;
  readonly requestsPerMinute?: number | null;
  readonly maxConcurrency?: number | null;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface KeyQuery {
  /** Statuses as of `at`; absent: all but deleted ones. */
  readonly status?: KeyStatus;
  readonly at: Instant;
  /** Part of a label, of an id or of a hint, in any case. */
  readonly text?: string;
  readonly limit: number;
  /** The last id of the page before. Newest keys come first. */
  readonly after?: KeyId;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Whether there are more after these. */
  readonly more: boolean;
}

/**
 * The keys. Each change is recorded together with its operation, in one durable and atomic step;
 * `null` where the operation log is switched off.
 */
export interface KeyRegistry {
  /** @throws Error if the id or the digest exists */
  add(key: ApiKey, operation: OperationDraft | null): Promise<void>;
  /**
   * Adds a key from another system with all that it used there, unless its digest is there already: then nothing is
   * recorded. Whether it was added. Bringing the same key in twice brings nothing in twice.
   * @throws Error if the id exists, or something was used after `at`
   */
  bringIn(
    key: ApiKey,
    history: readonly PastUse[],
    at: Instant,
    operation: OperationDraft | null,
  ): Promise<boolean>;
  /** The amended key; `undefined` if there is none or it is deleted: then nothing is recorded. */
  amend(id: KeyId, amendment: KeyAmendment, operation: OperationDraft | null): Promise<ApiKey | undefined>;
  /** The key with its counters, deleted ones too; `undefined` if there never was one. */
  account(ref: KeyRef): Promise<Account | undefined>;
  list(query: KeyQuery): Promise<Page<Account>>;
  sponsor(): Promise<Sponsor>;
  /** Sets what all keys together may use. */
  setSponsorQuotas(quotas: readonly Quota[], at: Instant, operation: OperationDraft | null): Promise<Sponsor>;
}

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

export interface OperationQuery {
  readonly action?: string;
  readonly target?: string;
  readonly limit: number;
  /** The number of the last operation of the page before. Newest come first. */
  readonly after?: number;
}

/** What the chain of operations was found to be. */
export interface ChainReport {
  readonly count: number;
  /** Number of the first operation that does not follow from the one before; `null` if all do. */
  readonly brokenAt: number | null;
}

/** The append-only, hash-chained log of admin actions. */
export interface OperationLog {
  append(operation: OperationDraft): Promise<void>;
  list(query: OperationQuery): Promise<Page<Operation>>;
  verify(): Promise<ChainReport>;
}

/** How the store is. */
export interface StoreStatus {
  readonly engine: string;
  readonly version: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly walBytes: number;
  readonly diskFreeBytes: number;
  readonly keys: number;
  readonly entries: number;
  readonly openReservations: number;
}

export interface StoreHealth {
  /** Resolves once a commit went through; rejects with what is wrong. */
  check(): Promise<void>;
  status(): Promise<StoreStatus>;
}

/** The store as a whole, as a container opens it. */
export interface Store {
  readonly ledger: Ledger;
  readonly keys: KeyRegistry;
  readonly reports: UsageReports;
  readonly operations: OperationLog;
  readonly health: StoreHealth;
  /** Finishes what was asked for, writes back what is in memory, and lets go of the database. */
  close(): Promise<void>;
}

/** The store could not record or read: disk full, database gone. Nothing was acknowledged. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** Time. Nothing else in the house reads a clock. */
export interface Clock {
  now(): Instant;
  /** Milliseconds of a clock that is never set, for measuring spans. */
  elapsedMs(): number;
}

/** Randomness. */
export interface Ids {
  /** A UUIDv7 (RFC 9562 §5.7), ascending within this process. */
  next(): string;
  random(bytes: number): Uint8Array;
}

/** What may be done with secrets: they come in here and nowhere else. */
export interface Secrets {
  /** HMAC-SHA-256 under the pepper, hex. */
  digest(secret: string): Digest;
  /** Whether `given` is one of `expected`, in a time that does not depend on where they differ. */
  isOneOf(given: string, expected: readonly string[]): boolean;
}

/** One line for each request and each thing that an operator should know. */
export interface Observer {
  requestEnded(event: RequestEnded): void;
  /** Something worth knowing, and not an error. */
  noticed(message: string, fields: Readonly<Record<string, unknown>>): void;
  /** Something that an operator should look at, where nothing failed. */
  warned(message: string, fields: Readonly<Record<string, unknown>>): void;
  /** Something that failed inside or at the outside world; `error` is logged in full, here alone. */
  failed(message: string, error: unknown, fields: Readonly<Record<string, unknown>>): void;
}

/** One call of a client, the operator's too, and what became of it. `null` is what did not come to pass. */
export interface RequestEnded {
  readonly requestId: RequestId;
  readonly method: string;
  /** The path as it is declared: what clients invent is `unmatched`. */
  readonly route: string;
  /** The client's address. */
  readonly address: string;
  readonly keyId: KeyId | null;
  readonly model: string | null;
  readonly status: number;
  /** The kind of the denial or failure, or the error's code; `null` for a request that was served. */
  readonly reason: string | null;
  /** By the upstream's count. */
  readonly usage: Usage | null;
  readonly charge: Charge | null;
  /** Until the store had recorded the reservation. */
  readonly storeMs: number | null;
  /** From sending to the upstream's answer, or to the first bytes of a stream. */
  readonly upstreamMs: number | null;
  /** What the proxy took beside that: until it had sent, and from a whole answer on. */
  readonly addedMs: number | null;
  readonly durationMs: number;
}
