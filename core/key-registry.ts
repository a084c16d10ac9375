import type { Account, ApiKey, Digest, Instant, KeyId, KeyStatus, Quota, Sponsor } from './model.ts';
import type { OperationDraft } from './operation.ts';
import type { PastUse } from './past-use.ts';
import type { Page } from './ports.ts';
import type { Rotation } from './rotate.ts';

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
  /**
   * The key with its new secret; `undefined` if there is none or it is deleted: then nothing is recorded.
   * @throws Error if the new digest exists
   */
  rotate(id: KeyId, rotation: Rotation, operation: OperationDraft | null): Promise<ApiKey | undefined>;
  /**
   * The account of a key, also of one that was deleted; `undefined` if there never was one. By the digest of its old secret,
   * too: whether that works any more is for `opens` to say.
   */
  account(ref: KeyRef): Promise<Account | undefined>;
  list(query: KeyQuery): Promise<Page<Account>>;
  sponsor(): Promise<Sponsor>;
  /** Sets what all keys together may use. */
  setSponsorQuotas(quotas: readonly Quota[], at: Instant, operation: OperationDraft | null): Promise<Sponsor>;
}
