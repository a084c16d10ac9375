import type { Instant, KeyId } from './model.ts';

/** What is out of the ordinary: an operator should look at it. */
export interface Abnormal {
  readonly kind: AbnormalKind;
  readonly at: Instant;
  /** Whose key; `null` where no key was known. */
  readonly keyId: KeyId | null;
  /** From where; `null` where it is not about one address. */
  readonly address: string | null;
  /** How many, of what the kind counts. */
  readonly count: number;
  /** How many are usual, or the most that is not told. */
  readonly usual: number;
}

/** What was noticed, and of which key, by its name. */
export interface Noticed extends Abnormal {
  readonly label: string | null;
}

/**
 * `authentication_failures`: refused credentials from one address within ten minutes.
 * `many_addresses`: addresses that one key was used from within an hour.
 * `unusual_requests`, `unusual_tokens`: what a key used today, where its usual day has much less.
 */
export const ABNORMAL_KINDS = [
  'authentication_failures',
  'many_addresses',
  'unusual_requests',
  'unusual_tokens',
] as const;
export type AbnormalKind = (typeof ABNORMAL_KINDS)[number];

/** What is told from where on. 0 tells nothing of that kind. */
export interface AbnormalLimits {
  /** Refused credentials from one address within ten minutes. */
  readonly authFailuresMax: number;
  /** Addresses that a key is used from within an hour. */
  readonly addressesMax: number;
  /** How many times its usual day a key may use. */
  readonly dayMultiple: number;
}

/** In words, for a person. */
export function sentenceOf({ kind, address, count, usual }: Abnormal): string {
  switch (kind) {
    case 'authentication_failures':
      return `${count} calls from ${address} within ten minutes had no valid key or token.`;
    case 'many_addresses':
      return `The key was used from ${count} addresses within an hour: it may have been passed on.`;
    case 'unusual_requests':
      return `The key made ${count} requests today; on a usual day it makes ${usual}.`;
    case 'unusual_tokens':
      return `The key used ${count} tokens today; on a usual day it uses ${usual}.`;
  }
}

/** Fewer days tell nothing of what is usual. */
const DAYS_MIN = 3;

/** The median of the days on which there was anything; `null` if these are too few. */
export function usualOf(days: readonly number[]): number | null {
  const used = days.filter((count) => count > 0).sort((a, b) => a - b);
  if (used.length < DAYS_MIN) return null;
  const middle = Math.floor(used.length / 2);
  const [high = 0, low = 0] = [used[middle], used[used.length % 2 === 0 ? middle - 1 : middle]];
  return Math.round((high + low) / 2);
}

/** Below these a multiple of little is still little. */
export const LEAST_UNUSUAL = { requests: 100, tokens: 100_000 } as const;
