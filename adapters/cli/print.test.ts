import { expect, test } from 'vitest';
import { sizeText, spanText, timeText } from './print.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [81_920, '81.9 kB'],
  [484_503_552, '484.5 MB'],
  [3.2e12, '3.2 TB'],
  [5e15, '5000.0 TB'],
])('%i bytes are %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});

test.each([
  [-5, '0 s'],
  [400, '0 s'],
  [119_000, '119 s'],
  [120_000, '2 min'],
  [7_000_000, '117 min'],
  [7_200_000, '2 h'],
  [172_799_000, '48 h'],
  [172_800_000, '2 d'],
])('%i ms are %s', (ms, text) => {
  expect(spanText(ms)).toBe(text);
});

test('a time is in UTC, to the minute', () => {
  expect(timeText(Date.UTC(2026, 10, 25, 8, 37, 59))).toBe('2026-11-25 08:37Z');
  expect(timeText(null)).toBe('never');
});
