import { expect, test } from 'vitest';
import { type Abnormal, sentenceOf, usualOf } from './abnormal.ts';

test.each([
  { days: [], usual: null },
  { days: [5, 7], usual: null },
  { days: [5, 0, 0, 7, 0], usual: null },
  { days: [1, 100, 3], usual: 3 },
  { days: [1, 2, 0, 4, 100], usual: 3 },
  { days: [10, 10, 10, 1_000_000], usual: 10 },
])('the usual day of $days is $usual', ({ days, usual }) => {
  expect(usualOf(days)).toBe(usual);
});

test('each kind is one sentence with its figures', () => {
  const of = (changes: Partial<Abnormal>) =>
    sentenceOf({
      ...{
        kind: 'authentication_failures',
        at: 0,
        keyId: null,
        address: '203.0.113.7',
        count: 21,
        usual: 20,
      },
      ...changes,
    });
  expect(of({})).toBe('21 calls from 203.0.113.7 within ten minutes had no valid key or token.');
  expect(of({ kind: 'many_addresses' })).toContain('from 21 addresses within an hour');
  expect(of({ kind: 'unusual_requests', usual: 4 })).toContain(
    '21 requests today; on a usual day it makes 4.',
  );
  expect(of({ kind: 'unusual_tokens', usual: 4 })).toContain('21 tokens today; on a usual day it uses 4.');
});
