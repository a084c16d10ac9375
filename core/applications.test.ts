import { expect, test } from 'vitest';
import type { Application, KeyExpiry, Verdict } from './applications.ts';
import {
  applicationStatusOf,
  claimable,
  endedBefore,
  endsAt,
  expiryAt,
  keyUnder,
  mayDecide,
} from './applications.ts';

const MADE = Date.UTC(2026, 10, 24, 12);
const DAY_MS = 24 * 60 * 60_000;
const MONTH_MS = 30 * DAY_MS;

function approval(expiry: KeyExpiry, at = MADE + DAY_MS): Verdict {
  const nothing = { models: null, ips: null, requestsPerMinute: null, maxConcurrency: null };
  const terms = { label: 'Ada', quotas: [], metadata: {}, ...nothing, expiry };
  return { kind: 'approved', at, by: 'admin@::1', terms };
}

const NEVER = approval({ kind: 'never' });
const SOON = approval({ kind: 'at', at: MADE + 2 * DAY_MS });
const REJECTED: Verdict = { kind: 'rejected', at: MADE, by: 'admin@::1', reason: null };

function application(verdict: Verdict | null, claim: Application['claim'] = null): Application {
  return { id: 'a', digest: 'd', name: 'Ada', contact: null, reason: null, madeAt: MADE, verdict, claim };
}

test.each([
  { name: 'new', given: application(null), at: MADE, is: 'pending' },
  {
    name: 'before it was made, where the clock was set back',
    given: application(null),
    at: 0,
    is: 'pending',
  },
  { name: 'the last moment to decide', given: application(null), at: MADE + MONTH_MS - 1, is: 'pending' },
  { name: 'nobody decided', given: application(null), at: MADE + MONTH_MS, is: 'expired' },
  { name: 'approved', given: application(NEVER), at: MADE + DAY_MS, is: 'approved' },
  {
    name: 'the last moment to claim',
    given: application(NEVER),
    at: MADE + DAY_MS + MONTH_MS - 1,
    is: 'approved',
  },
  { name: 'nobody claimed', given: application(NEVER), at: MADE + DAY_MS + MONTH_MS, is: 'expired' },
  { name: 'a key that would have expired', given: application(SOON), at: MADE + 2 * DAY_MS, is: 'expired' },
  { name: 'rejected', given: application(REJECTED), at: MADE + 9 * MONTH_MS, is: 'rejected' },
  {
    name: 'claimed, whatever became of the key',
    given: application(SOON, { at: MADE, keyId: 'k' }),
    at: MADE + 9 * MONTH_MS,
    is: 'claimed',
  },
])('an application is: $name, $is', ({ given, at, is }) => {
  expect(applicationStatusOf(given, at)).toBe(is);
  expect(mayDecide(given, at)).toBe(is === 'pending' || is === 'approved');
  expect(claimable(given, at) !== undefined).toBe(is === 'approved');
});

test.each([
  { name: 'undecided', given: application(null), is: MADE + MONTH_MS },
  { name: 'approved', given: application(NEVER), is: MADE + DAY_MS + MONTH_MS },
  { name: 'for a key that expires sooner', given: application(SOON), is: MADE + 2 * DAY_MS },
  { name: 'rejected', given: application(REJECTED), is: null },
  { name: 'claimed', given: application(NEVER, { at: MADE, keyId: 'k' }), is: null },
])('an application that is $name ends by itself: $is', ({ given, is }) => {
  expect(endsAt(given)).toBe(is);
});

test.each([
  { expiry: { kind: 'never' } as const, is: null },
  { expiry: { kind: 'at', at: 5 } as const, is: 5 },
  { expiry: { kind: 'after', spanMs: DAY_MS } as const, is: MADE + DAY_MS },
])('a key expires by its terms, counted from its making: $expiry.kind', ({ expiry, is }) => {
  expect(expiryAt(expiry, MADE)).toBe(is);
  const terms = { ...(NEVER.kind === 'approved' ? NEVER.terms : expect.fail()), expiry };
  expect(keyUnder(terms, { id: 'k', digest: 'd', hint: 'h' }, MADE)).toEqual({
    id: 'k',
    digest: 'd',
    hint: 'h',
    previous: null,
    label: 'Ada',
    createdAt: MADE,
    expiresAt: is,
    disabled: false,
    deletedAt: null,
    quotas: [],
    quotasSetAt: MADE,
    models: null,
    ips: null,
    requestsPerMinute: null,
    maxConcurrency: null,
    metadata: {},
  });
});

test.each([
  { name: 'nobody decided', given: application(null), ended: MADE + MONTH_MS },
  { name: 'nobody claimed', given: application(NEVER), ended: MADE + DAY_MS + MONTH_MS },
  { name: 'the key would have expired', given: application(SOON), ended: MADE + 2 * DAY_MS },
  { name: 'rejected', given: application(REJECTED), ended: MADE },
  { name: 'claimed', given: application(NEVER, { at: MADE + 5, keyId: 'k' }), ended: MADE + 5 },
])('an application ended: $name', ({ given, ended }) => {
  expect(endedBefore(given, ended)).toBe(false);
  expect(endedBefore(given, ended + 1)).toBe(true);
});
