import type { ApiKey, Digest, Instant, KeyId, Quota } from './model.ts';
import type { OperationDraft } from './operation.ts';
import type { Page } from './ports.ts';

/** A UUIDv7 (RFC 9562 §5.7). */
export type ApplicationId = string;

/** Somebody asks for a key, and what became of it. */
export interface Application {
  readonly id: ApplicationId;
  /** Of the token by which the applicant, and nobody else, looks after it. The token itself is never stored. */
  readonly digest: Digest;
  readonly name: string;
  /** Where to find the applicant, such as a name in a forum; `null`: not said. */
  readonly contact: string | null;
  /** What the key is for; `null`: not said. */
  readonly reason: string | null;
  readonly madeAt: Instant;
  /** `null`: nobody decided yet. */
  readonly verdict: Verdict | null;
  /** `null`: no key was made of it. */
  readonly claim: { readonly at: Instant; readonly keyId: KeyId } | null;
}

export type Verdict = Approval | Rejection;

export interface Approval {
  readonly kind: 'approved';
  readonly at: Instant;
  /** Who decided, as in the operation log. */
  readonly by: string;
  readonly terms: KeyTerms;
}

export interface Rejection {
  readonly kind: 'rejected';
  readonly at: Instant;
  readonly by: string;
  /** As it is told to the applicant; `null`: none was given. */
  readonly reason: string | null;
}

/** What a key will be that is made later. */
export interface KeyTerms {
  readonly label: string;
  readonly expiry: KeyExpiry;
  readonly quotas: readonly Quota[];
  readonly models: ApiKey['models'];
  readonly ips: ApiKey['ips'];
  readonly requestsPerMinute: number | null;
  readonly maxConcurrency: number | null;
  readonly metadata: ApiKey['metadata'];
}

/** When a key expires: at an instant, or so long after its making. */
export type KeyExpiry =
  | { readonly kind: 'never' }
  | { readonly kind: 'at'; readonly at: Instant }
  | { readonly kind: 'after'; readonly spanMs: number };

/** `expired`: nobody decided in time, or nobody claimed in time. */
export const APPLICATION_STATUSES = ['pending', 'approved', 'rejected', 'claimed', 'expired'] as const;
export type ApplicationStatus = (typeof APPLICATION_STATUSES)[number];

const DAY_MS = 24 * 60 * 60_000;
/** An operator who was away for a month finds a clean desk. */
const PENDING_DAYS_MAX = 30;
/** A link that lies about must not be good for ever. */
const CLAIM_DAYS_MAX = 30;

/**
 * How long the answer to a claim may be asked for again: the line may have broken after the key was made. Long enough to
 * find a network, too short for whoever finds the link later.
 */
const CLAIM_AGAIN_MS = 10 * 60_000;

/** Until when the key may be shown again to who has the claim token; `null`: there is none, or not any more at `at`. */
export function shownUntil({ claim }: Application, at: Instant): Instant | null {
  // A clock that was set back far prolongs nothing; by a moment it may be, where two claims cross.
  if (claim === null || Math.abs(at - claim.at) >= CLAIM_AGAIN_MS) return null;
  return claim.at + CLAIM_AGAIN_MS;
}

/** When an application ends by itself if nothing more happens; `null`: it has ended, or was decided against. */
export function endsAt({ madeAt, verdict, claim }: Application): Instant | null {
  if (claim !== null || verdict?.kind === 'rejected') return null;
  if (verdict === null) return madeAt + PENDING_DAYS_MAX * DAY_MS;
  const { at, terms } = verdict;
  const claimableUntil = at + CLAIM_DAYS_MAX * DAY_MS;
  return terms.expiry.kind === 'at' ? Math.min(claimableUntil, terms.expiry.at) : claimableUntil;
}

/** What an application is at an instant. Like that of a key, it is computed, and no job brings it about. */
export function applicationStatusOf(application: Application, at: Instant): ApplicationStatus {
  if (application.claim !== null) return 'claimed';
  if (application.verdict?.kind === 'rejected') return 'rejected';
  const end = endsAt(application);
  if (end !== null && at >= end) return 'expired';
  return application.verdict === null ? 'pending' : 'approved';
}

/** Whether it ended before an instant that is not in the future: decided against, claimed, or by itself. */
export function endedBefore(application: Application, before: Instant): boolean {
  const { verdict, claim } = application;
  const endedAt = claim?.at ?? endsAt(application) ?? verdict?.at;
  return endedAt !== undefined && endedAt < before;
}

/** Applications that were made at or before this instant, and not decided, have expired. */
export function pendingSince(at: Instant): Instant {
  return at - PENDING_DAYS_MAX * DAY_MS;
}

/** Whether it may be decided now, or decided otherwise: until a key was made of it. */
export function mayDecide(application: Application, at: Instant): boolean {
  const status = applicationStatusOf(application, at);
  return status === 'pending' || status === 'approved';
}

/** The terms by which a key may be made of it now; `undefined`: none may. */
export function claimable(application: Application, at: Instant): KeyTerms | undefined {
  const { verdict } = application;
  const isApproved = applicationStatusOf(application, at) === 'approved';
  return isApproved && verdict?.kind === 'approved' ? verdict.terms : undefined;
}

/** What of a key is known before anybody looks at its terms. */
export type NewKey = Pick<ApiKey, 'id' | 'digest' | 'hint'>;

/** The key that terms describe, made at `at`. */
export function keyUnder({ expiry, ...terms }: KeyTerms, own: NewKey, at: Instant): ApiKey {
  return {
    ...own,
    ...terms,
    previous: null,
    createdAt: at,
    expiresAt: expiryAt(expiry, at),
    disabled: false,
    deletedAt: null,
    quotasSetAt: at,
  };
}

/** When a key that is made at `at` expires; `null`: never. */
export function expiryAt(expiry: KeyExpiry, at: Instant): Instant | null {
  switch (expiry.kind) {
    case 'never':
      return null;
    case 'at':
      return expiry.at;
    case 'after':
      return at + expiry.spanMs;
  }
}

export type ApplicationRef = { readonly id: ApplicationId } | { readonly digest: Digest };

export interface ApplicationQuery {
  /** Status as of `at`; absent: all. */
  readonly status?: ApplicationStatus;
  readonly at: Instant;
  readonly limit: number;
  /** The last id of the page before. Newest come first. */
  readonly after?: ApplicationId;
}

/** Which applications are let go of. */
export interface ForgetOrder {
  /** Those that ended earlier. */
  readonly before: Instant;
  /** The last one that was looked at; `null`: it begins with the oldest. */
  readonly after: ApplicationId | null;
  /** How many are looked at: a step keeps commands waiting. */
  readonly lookMax: number;
}

/** What was asked for, and the application as it is now. */
export interface ApplicationChange {
  readonly done: boolean;
  readonly application: Application;
}

/**
 * Who asked for a key. Each change is recorded together with its operation, in one durable and atomic step;
 * `null` where the operation log is switched off.
 */
export interface Applications {
  /**
   * Records one, unless `pendingMax` are waiting already. Whether it was recorded.
   * @throws Error if the id or the digest exists
   */
  add(application: Application, pendingMax: number): Promise<boolean>;
  /** `undefined` if there never was one. */
  find(ref: ApplicationRef): Promise<Application | undefined>;
  list(query: ApplicationQuery): Promise<Page<Application>>;
  /** How many wait for a decision at `at`. */
  pending(at: Instant): Promise<number>;
  /** Records the verdict if core's `mayDecide` says so; else nothing. `undefined` if there is no such application. */
  decide(
    id: ApplicationId,
    verdict: Verdict,
    operation: OperationDraft | null,
  ): Promise<ApplicationChange | undefined>;
  /**
   * Makes the key under the terms that core's `claimable` gives at this instant, and marks the application as claimed:
   * both or nothing. Of several at once, one is done. `undefined` if there is no such application.
   * @throws Error if the key's id or digest exists
   */
  claim(
    id: ApplicationId,
    key: NewKey,
    at: Instant,
    operation: OperationDraft | null,
  ): Promise<ApplicationChange | undefined>;
  /**
   * Looks at some applications, oldest first, and removes those that core's `endedBefore` names, in one atomic step.
   * Resolves with the last one that was looked at; `null`: all that may be old enough were.
   */
  forget(order: ForgetOrder): Promise<ApplicationId | null>;
}
