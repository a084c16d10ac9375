import { expect, test } from 'vitest';
import { behindLedger, isImpossible, jumpBetween } from './clock-jump.ts';

const HOUR = 3_600_000;
const BEFORE = { wall: Date.UTC(2026, 10, 25, 12), elapsedMs: 5_000 };

test.each([
  { name: 'a clock that goes on', wallMs: 2_000, elapsedMs: 2_000, jump: 0 },
  { name: 'one that a time server sets right', wallMs: 32_000, elapsedMs: 2_000, jump: 0 },
  { name: 'one that does not move', wallMs: 0, elapsedMs: 59_000, jump: 0 },
  { name: 'an hour forward', wallMs: HOUR + 2_000, elapsedMs: 2_000, jump: HOUR },
  { name: 'an hour back', wallMs: 2_000 - HOUR, elapsedMs: 2_000, jump: -HOUR },
  { name: 'a pause of this process, which is none', wallMs: HOUR, elapsedMs: HOUR, jump: 0 },
])('$name', ({ wallMs, elapsedMs, jump }) => {
  const after = { wall: BEFORE.wall + wallMs, elapsedMs: BEFORE.elapsedMs + elapsedMs };
  expect(jumpBetween(BEFORE, after)).toBe(jump);
});

test('a clock is behind a ledger from a minute on', () => {
  expect(behindLedger(BEFORE.wall, BEFORE.wall + 59_999)).toBe(0);
  expect(behindLedger(BEFORE.wall, BEFORE.wall + HOUR)).toBe(HOUR);
  expect(behindLedger(BEFORE.wall, 0)).toBe(0);
});

test.each([
  { at: '1970-01-01T00:00:10Z', impossible: true },
  { at: '2024-12-31T23:59:59Z', impossible: true },
  { at: '2026-11-25T12:00:00Z', impossible: false },
  { at: '2069-12-31T23:59:59Z', impossible: false },
  { at: '2100-01-01T00:00:00Z', impossible: true },
])('$at is impossible: $impossible', ({ at, impossible }) => {
  expect(isImpossible(Date.parse(at))).toBe(impossible);
});
