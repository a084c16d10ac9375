import { expect, test } from 'vitest';
import { NOON } from '#test/fakes/accounts.ts';
import { chained, NO_HASH } from './operation.ts';

const draft = {
  at: NOON,
  actor: 'admin@203.0.113.7',
  action: 'keys.create',
  target: 'key-1',
  details: { label: 'Ada' },
};

test('what is chained is fixed: hashes of years ago must still verify', () => {
  expect(chained(1, draft, NO_HASH)).toBe(
    `["${'0'.repeat(64)}",1,${NOON},"admin@203.0.113.7","keys.create","key-1","{\\"label\\":\\"Ada\\"}"]`,
  );
});

test.each([
  { name: 'its number', n: 2, change: {}, previous: NO_HASH },
  { name: 'the hash before it', n: 1, change: {}, previous: 'f'.repeat(64) },
  { name: 'its instant', n: 1, change: { at: NOON + 1 }, previous: NO_HASH },
  { name: 'who', n: 1, change: { actor: 'cli' }, previous: NO_HASH },
  { name: 'what', n: 1, change: { action: 'keys.delete' }, previous: NO_HASH },
  { name: 'to what', n: 1, change: { target: 'key-2' }, previous: NO_HASH },
  { name: 'how', n: 1, change: { details: { label: 'Eve' } }, previous: NO_HASH },
  { name: 'a member moved', n: 1, change: { action: 'keys.create","key-1', target: '' }, previous: NO_HASH },
])('nothing of an operation changes unseen: $name', ({ n, change, previous }) => {
  expect(chained(n, { ...draft, ...change }, previous)).not.toBe(chained(1, draft, NO_HASH));
});
