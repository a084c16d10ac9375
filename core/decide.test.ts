import { expect, test } from 'vitest';
import {
  accountWith,
  NOON,
  reservationWith,
  reserveOf,
  SERVED,
  settleOf,
  UTC,
} from '#test/fakes/accounts.ts';
import { apply } from './apply.ts';
import type { Command } from './command.ts';
import { decide } from './decide.ts';

const asks = { at: NOON, requestId: 'request-1', keyId: 'key' };
const ENDINGS: readonly Command[] = [
  settleOf(10, 5),
  { kind: 'release', ...asks, outcome: SERVED },
  { kind: 'lapse', ...asks },
];
const RESET: Command = { kind: 'reset', at: NOON, keyId: 'key' };

test.each([
  { command: reserveOf(), fact: 'reserved' },
  { command: settleOf(10, 5), fact: 'settled' },
  { command: ENDINGS[1], fact: 'released' },
  { command: ENDINGS[2], fact: 'lapsed' },
  { command: RESET, fact: 'reset' },
])('$command.kind records one fact: $fact', ({ command = RESET, fact }) => {
  const account = accountWith({}, { open: [reservationWith()] });
  expect(decide(account, command, UTC).entries.map(({ kind }) => kind)).toEqual([fact]);
});

test.each([...ENDINGS, RESET])('$kind on an account that is not there changes nothing', (command) => {
  expect(decide(undefined, command, UTC)).toEqual({ entries: [], result: { ended: false } });
});

test('to reserve with a key that nobody knows is refused', () => {
  const { entries, result } = decide(undefined, reserveOf(), UTC);
  expect(entries).toEqual([]);
  expect(result).toEqual({
    ...{ admitted: false, denial: { kind: 'unknown_key' } },
    ...{ standings: [], rate: null },
  });
});

test.each(ENDINGS.flatMap((first) => ENDINGS.map((second) => ({ first, second }))))(
  'a request ends once: $second.kind after $first.kind changes nothing',
  ({ first, second }) => {
    const open = decide(accountWith(), reserveOf(), UTC).entries.reduce(
      (a, e) => apply(a, e, UTC),
      accountWith(),
    );
    const ending = decide(open, first, UTC);
    expect(ending.result).toEqual({ ended: true });
    const ended = ending.entries.reduce((account, entry) => apply(account, entry, UTC), open);
    expect(decide(ended, second, UTC)).toEqual({ entries: [], result: { ended: false } });
  },
);

test('a decision changes nothing that it was given, and is the same the second time', () => {
  const account = deepFrozen(accountWith({ quotas: [{ meter: 'tokens', period: 'day', limit: 500 }] }));
  const command = deepFrozen(reserveOf());
  const decision = decide(account, command, UTC);
  expect(decide(account, command, UTC)).toEqual(decision);
  for (const entry of decision.entries) expect(apply(account, entry, UTC)).not.toBe(account);
});

function deepFrozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) deepFrozen(part);
  return Object.freeze(value);
}
