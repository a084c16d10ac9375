import type { Applications } from './applications.ts';
import type { Command, ResultOf } from './command.ts';
import type { KeptReplies } from './kept-reply.ts';
import type { KeyRegistry } from './key-registry.ts';
import type { LedgerRetention } from './ledger-retention.ts';
import type { Digest, Instant, KeyId, RequestId } from './model.ts';
import type { Operation, OperationDraft } from './operation.ts';
import type { UsageReports } from './reports.ts';

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

export interface Page<T> {
  readonly items: readonly T[];
  /** Whether there are more after these. */
  readonly more: boolean;
}

export interface OperationQuery {
  readonly actor?: string;
  /** Done at or after, and before. */
  readonly from?: Instant;
  readonly to?: Instant;
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
  /** That were ever recorded. */
  readonly entries: number;
  /** How many of them were removed. */
  readonly removedEntries: number;
  /** Up to when these were recorded; `null`: none was removed. */
  readonly removedUntil: Instant | null;
  /** When the oldest of the others was recorded; `null`: there are none. */
  readonly oldestAt: Instant | null;
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
  readonly applications: Applications;
  readonly reports: UsageReports;
  readonly operations: OperationLog;
  readonly replies: KeptReplies;
  readonly retention: LedgerRetention;
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
  /** Encrypts `text` so that the pepper and `under` together open it, and neither alone. Base64; never the same twice. */
  seal(text: string, under: string): string;
  /** `count` bytes, the same each time, that nobody can tell without both the pepper and `from`. */
  derive(from: string, count: number): Uint8Array;
  /** What was sealed; `undefined` if it was under another text or pepper, or is not what it was. */
  unseal(sealed: string, under: string): string | undefined;
}
