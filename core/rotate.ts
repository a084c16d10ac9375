import type { ApiKey, Digest, Instant, PreviousSecret } from './model.ts';

/** A new secret for a key, and how long the old one goes on to work. */
export interface Rotation {
  readonly at: Instant;
  readonly digest: Digest;
  readonly hint: string;
  /** 0: the old secret stops at once. */
  readonly graceMs: number;
}

/**
 * The key with its new secret. At most one old secret works beside it, the one that was the key's until now, as long as
 * this rotation says: one that still had a grace from an earlier rotation stops at once.
 */
export function rotated(key: ApiKey, { at, digest, hint, graceMs }: Rotation): ApiKey {
  const previous = graceMs === 0 ? null : { digest: key.digest, hint: key.hint, endsAt: at + graceMs };
  return { ...key, digest, hint, previous };
}

/** The old secret of a key, if it works at `at`; else `null`. No job ends it: its instant does. */
export function inGrace({ previous }: ApiKey, at: Instant): PreviousSecret | null {
  return previous !== null && at < previous.endsAt ? previous : null;
}

/** Whether the secret with this digest opens the key at `at`: its own one does, and an old one in its grace. */
export function opens(key: ApiKey, digest: Digest, at: Instant): boolean {
  return key.digest === digest || inGrace(key, at)?.digest === digest;
}

/** Whether `digest` is that of the key's secret or of its old one, whether that works or not. */
export function isDigestOf({ digest: own, previous }: ApiKey, digest: Digest): boolean {
  return own === digest || previous?.digest === digest;
}
