import type { Instant } from './model.ts';

/** An admin action about to be recorded. */
export interface OperationDraft {
  readonly at: Instant;
  /** Who: `admin` and the address that the request came from, `admin@203.0.113.7`. */
  readonly actor: string;
  /** What, in the words of the admin API: `keys.create`, `usage.reset`, … */
  readonly action: string;
  /** What it was done to: a key's id, `sponsor`, `all`. */
  readonly target: string;
  /** What was asked for, as plain data. Never a secret. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** A recorded admin action. Numbers are dense from 1, and each hash covers the one before it. */
export interface Operation extends OperationDraft {
  readonly n: number;
  /** SHA-256 of `chained`, 64 lower-case hex digits. */
  readonly hash: string;
  readonly previousHash: string;
}

/** The hash before the first operation. */
export const NO_HASH = '0'.repeat(64);

/** The text whose hash chains an operation to the one before it. */
export function chained(n: number, draft: OperationDraft, previousHash: string): string {
  const { at, actor, action, target, details } = draft;
  return JSON.stringify([previousHash, n, at, actor, action, target, JSON.stringify(details)]);
}
