import { expect, test } from 'vitest';
import { widthOf } from './table.ts';
import { dayBefore, everyDay, plot } from './usage-plot.ts';

const days = [
  { day: '2026-11-25', value: 431 },
  { day: '2026-11-26', value: 0 },
  { day: '2026-11-27', value: 1 },
];
const common = { title: 'Requests per day', days, textOf: (value: number) => value.toLocaleString('en') };

test('bars are under a scale of a round number, with the sum and the most below', () => {
  expect(plot({ ...common, columns: 40, charset: 'utf-8' })).toBe(
    [
      'Requests per day',
      '            0                   500',
      '2026-11-25  ███████████████████▉     431',
      '2026-11-26                             0',
      '2026-11-27  ▏                          1',
      '3 days: 432 in total, 431 at most (2026-11-25)',
      '',
    ].join('\n'),
  );
});

test('what the locale cannot show is drawn otherwise', () => {
  const drawn = plot({ ...common, columns: 40, charset: 'ascii' });
  expect(drawn).toMatch(/^2026-11-25 {2}#{16,} +431$/m);
  expect(drawn).toMatch(/^2026-11-27 {2}# +1$/m);
  expect(drawn).toMatch(/^[\x20-\x7e\n]*$/);
});

test.each([40, 80, 132, 200])('no line is wider than %i columns, and the bars use them', (columns) => {
  const full = [...days, { day: '2026-11-28', value: 500 }];
  const widths = plot({ ...common, days: full, columns, charset: 'utf-8' })
    .trimEnd()
    .split('\n')
    .slice(1, -1)
    .map(widthOf);
  expect(Math.max(...widths)).toBe(columns);
});

test.each([
  { most: 0, scale: '1' },
  { most: 1, scale: '1' },
  { most: 3, scale: '5' },
  { most: 10, scale: '10' },
  { most: 11, scale: '20' },
  { most: 999_999, scale: '1,000,000' },
  { most: 9_007_199_254_740_991, scale: '10,000,000,000,000,000' },
])('the scale of $most ends at $scale', ({ most, scale }) => {
  const drawn = plot({
    ...common,
    days: [{ day: '2026-11-25', value: most }],
    columns: 80,
    charset: 'utf-8',
  });
  expect(drawn.split('\n')[1]).toMatch(new RegExp(`^ +0 +${scale}$`));
});

test('a day without a value is one of nothing, across months and leap days', () => {
  expect(everyDay('2028-02-28', '2028-03-01', new Map([['2028-02-29', 7]]))).toEqual([
    { day: '2028-02-28', value: 0 },
    { day: '2028-02-29', value: 7 },
    { day: '2028-03-01', value: 0 },
  ]);
  expect(dayBefore('2026-03-01', 29)).toBe('2026-01-31');
});

test('a span may be of centuries', () => {
  const centuries = Array.from({ length: 200_000 }, () => ({ day: '2026-11-27', value: 1 }));
  const drawn = plot({ ...common, days: centuries, textOf: String, columns: 40, charset: 'ascii' });
  expect(drawn.endsWith('\n200000 days: 200000 in total, 1 at most (2026-11-27)\n')).toBe(true);
});
