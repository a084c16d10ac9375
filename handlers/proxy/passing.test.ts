import { expect, test } from 'vitest';
import { passHeaders } from './passing.ts';

const MADE = { date: 'Fri, 27 Nov 2026 20:42:53 GMT' };

function passed(headers: Readonly<Record<string, string>>, status = 429): Record<string, string> {
  const out: Record<string, string> = {};
  passHeaders({ status, headers }, out);
  return out;
}

test.each([
  { says: 'seconds', headers: { 'retry-after': '7' }, seconds: '7' },
  { says: 'a part of a second', headers: { 'retry-after': '0.25' }, seconds: '1' },
  { says: 'a date', headers: { ...MADE, 'retry-after': 'Fri, 27 Nov 2026 20:43:23 GMT' }, seconds: '30' },
  {
    says: 'a date that is over',
    headers: { ...MADE, 'retry-after': 'Fri, 27 Nov 2026 20:00:00 GMT' },
    seconds: '0',
  },
])('a short wait, told as $says, goes on in seconds', ({ headers, seconds }) => {
  expect(passed(headers)).toEqual({ 'retry-after': seconds });
});

test.each([
  { says: 'a long wait', headers: { 'retry-after': '61' } },
  { says: 'a date far away', headers: { ...MADE, 'retry-after': 'Sat, 28 Nov 2026 20:43:23 GMT' } },
  { says: 'a date of no known clock', headers: { 'retry-after': 'Fri, 27 Nov 2026 20:43:23 GMT' } },
  { says: 'a number below zero', headers: { 'retry-after': '-1' } },
  { says: 'a word', headers: { ...MADE, 'retry-after': 'later' } },
])('$says is no reason to ask again', ({ headers }) => {
  expect(passed(headers)).toEqual({ 'x-should-retry': 'false' });
});

test.each([200, 400, 404])('beside a status of %i, which no wait changes, it says nothing', (status) => {
  expect(passed({ 'retry-after': '7' }, status)).toEqual({});
});
