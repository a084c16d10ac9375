import type { ApplicationId, Verdict } from './applications.ts';
import type { Reset } from './command.ts';
import type { KeyAmendment } from './key-registry.ts';
import type { ApiKey, Digest, Instant, KeyId, Quota } from './model.ts';
import type { OperationDraft } from './operation.ts';
import type { PastUse } from './past-use.ts';
import type { Rotation } from './rotate.ts';

/** How long an answer is kept. As long as Stripe keeps its own: people know it from there. */
export const KEPT_MS = 24 * 60 * 60_000;

/** What an admin call was answered with, kept so that the same call made again is answered by it and not done again. */
export interface KeptReply {
  /** Of the call's Idempotency-Key, which itself is kept nowhere. */
  readonly digest: Digest;
  /** Of what was asked for: the same key with another call is a mistake. */
  readonly request: Digest;
  readonly at: Instant;
  /** What `Secrets.seal` made of the answer, which may have a secret in it. */
  readonly sealed: string;
}

/** Something to be recorded: data, so that several can be recorded together. */
export type Change =
  | { readonly kind: 'add_key'; readonly key: ApiKey; readonly operation: OperationDraft | null }
  | {
      readonly kind: 'bring_in';
      readonly key: ApiKey;
      readonly history: readonly PastUse[];
      readonly at: Instant;
      readonly operation: OperationDraft | null;
    }
  | {
      readonly kind: 'amend_key';
      readonly id: KeyId;
      readonly amendment: KeyAmendment;
      readonly operation: OperationDraft | null;
    }
  | {
      readonly kind: 'rotate_key';
      readonly id: KeyId;
      readonly rotation: Rotation;
      readonly operation: OperationDraft | null;
    }
  | {
      readonly kind: 'set_sponsor_quotas';
      readonly quotas: readonly Quota[];
      readonly at: Instant;
      readonly operation: OperationDraft | null;
    }
  | {
      readonly kind: 'decide_application';
      readonly id: ApplicationId;
      readonly verdict: Verdict;
      readonly operation: OperationDraft | null;
    }
  | { readonly kind: 'append'; readonly operation: OperationDraft }
  | { readonly kind: 'execute'; readonly command: Reset };

/** Changes, and the answer that tells of them. */
export interface Recording {
  readonly changes: readonly Change[];
  /** The registry that the changes and the answer were made for; `null`: they do not depend on it. */
  readonly version: number | null;
  readonly reply: KeptReply | null;
}

/** Answers to admin calls, recorded with what they tell of. */
export interface KeptReplies {
  /** The answer kept under `digest`, unless that is `KEPT_MS` ago at `at`. */
  find(digest: Digest, at: Instant): Promise<KeptReply | undefined>;
  /** Another number after each change to a key, to an application or to the sponsor's terms. */
  version(): Promise<number>;
  /**
   * Records all of it in one durable, atomic step. Resolves with false, and nothing recorded, if the registry is no
   * longer at `version`.
   * @throws Error if one of the changes cannot be; then nothing is recorded
   */
  record(recording: Recording): Promise<boolean>;
  /** Forgets some of the answers that are too old at `at`: the oldest, so few that nobody waits for it. */
  forget(at: Instant): Promise<void>;
}
