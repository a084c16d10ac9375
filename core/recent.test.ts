import { expect, test } from 'vitest';
import { recent } from './recent.ts';

const HOUR_MS = 3_600_000;
const AT = 1_795_000_000_000;

test('a count above the most is answered once within its time, and again in the next', () => {
  const counts = recent(2, HOUR_MS);
  const answers = [0, 1, 2, 3, 4].map((later) => counts.add('a', null, AT + later));
  expect(answers).toEqual([undefined, undefined, 3, undefined, undefined]);
  const next = [0, 1, 2].map((later) => counts.add('a', null, AT + HOUR_MS + 2 + later));
  expect(next).toEqual([undefined, undefined, 3]);
});

test('names count apart', () => {
  const counts = recent(1, HOUR_MS);
  expect([counts.add('a', null, AT), counts.add('b', null, AT), counts.add('a', null, AT)]).toEqual([
    undefined,
    undefined,
    2,
  ]);
});

test('members count once, and those not seen for the time do not count', () => {
  const counts = recent(2, HOUR_MS);
  const add = (member: string, minutes: number) => counts.add('key', member, AT + minutes * 60_000);
  expect([add('a', 0), add('a', 1), add('b', 2), add('a', 50)]).toEqual(Array(4).fill(undefined));
  // By now `b` is longer gone than the hour, and `a` is not.
  expect(add('c', 63)).toBeUndefined();
  expect(add('d', 64)).toBe(3);
  expect(add('e', 65)).toBeUndefined();
});

test('0 is no limit', () => {
  const counts = recent(0, HOUR_MS);
  for (let n = 0; n < 100; n += 1) expect(counts.add('a', String(n), AT)).toBeUndefined();
});

test('memory is bounded: the name longest not heard of is forgotten, and so is the member', () => {
  const counts = recent(1, HOUR_MS);
  counts.add('first', null, AT);
  counts.add('second', null, AT);
  for (let n = 0; n < 9_998; n += 1) counts.add(`name-${n}`, null, AT);
  expect(counts.add('first', null, AT)).toBe(2);
  counts.add('one more', null, AT);
  expect(counts.add('second', null, AT)).toBeUndefined();
  const members = recent(99, HOUR_MS);
  const answers = Array.from({ length: 150 }, (_, n) => members.add('key', `member-${n}`, AT));
  expect(answers.filter((answer) => answer !== undefined)).toEqual([100]);
});

test('of more members than are remembered, the latest are', () => {
  const counts = recent(50, HOUR_MS);
  const add = (name: string, count: number, at: number) =>
    Array.from({ length: count }, (_, n) => counts.add('key', `${name}-${n}`, at));
  expect(add('early', 60, AT).filter((answer) => answer !== undefined)).toEqual([51]);
  add('late', 120, AT + HOUR_MS / 2);
  expect(counts.add('key', 'last', AT + HOUR_MS)).toBe(100);
});

test('a clock that is set back does no harm', () => {
  const counts = recent(1, HOUR_MS);
  counts.add('a', null, AT);
  expect(counts.add('a', null, AT - 5 * HOUR_MS)).toBe(2);
  expect(counts.add('a', null, AT - 5 * HOUR_MS)).toBeUndefined();
});
