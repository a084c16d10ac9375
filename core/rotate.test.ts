import { expect, test } from 'vitest';
import { accountWith, keyWith, NOON, reserveOf, UTC } from '#test/fakes/accounts.ts';
import { authorize } from './authorize.ts';
import { inGrace, opens, rotated } from './rotate.ts';

const NEW = 'e'.repeat(64);
const OLD = keyWith().digest;
const rotation = { at: NOON, digest: NEW, hint: 'sk-new1…wxyz', graceMs: 1000 };
const ROTATED = rotated(keyWith(), rotation);

test.each([
  { name: 'the new secret', digest: NEW, at: NOON, works: true },
  { name: 'the old one in its grace', digest: OLD, at: NOON + 999, works: true },
  { name: 'the old one when it ends', digest: OLD, at: NOON + 1000, works: false },
  { name: 'the new one then', digest: NEW, at: NOON + 1000, works: true },
  { name: 'another one', digest: 'f'.repeat(64), at: NOON, works: false },
])('$name opens the key: $works', ({ digest, at, works }) => {
  expect(opens(ROTATED, digest, at)).toBe(works);
  const { result } = authorize(accountWith(ROTATED), reserveOf({}, { digest, at }), UTC);
  expect(result).toMatchObject(works ? { admitted: true } : { denial: { kind: 'unknown_key' } });
});

test('of a key that is disabled, an old secret whose grace is over tells nothing', () => {
  const account = accountWith({ ...ROTATED, disabled: true });
  const denial = (at: number) => authorize(account, reserveOf({}, { digest: OLD, at }), UTC).result;
  expect(denial(NOON)).toMatchObject({ denial: { kind: 'key_disabled' } });
  expect(denial(NOON + 1000)).toMatchObject({ denial: { kind: 'unknown_key' } });
});

test('the old secret is known as long as it works, and there is at most one', () => {
  const { digest, hint } = keyWith();
  expect(inGrace(ROTATED, NOON)).toEqual({ digest, hint, endsAt: NOON + 1000 });
  expect(inGrace(ROTATED, NOON + 1000)).toBeNull();
  const again = rotated(ROTATED, { ...rotation, digest: 'f'.repeat(64), at: NOON + 1 });
  expect(again.previous).toMatchObject({ digest: NEW, endsAt: NOON + 1001 });
  expect(rotated(ROTATED, { ...rotation, graceMs: 0 }).previous).toBeNull();
});
