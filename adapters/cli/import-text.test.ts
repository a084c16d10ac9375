import { expect, test } from 'vitest';
import { NOON } from '#test/fakes/accounts.ts';
import { importTally } from './import-report.ts';
import { importText } from './import-text.ts';

const KNOWN = { file: 'old.db', format: 'one-api (tokens)', time_zone: 'UTC', warnings: ['Beware.'] };
const USAGE = [
  { day: '2026-11-01', requests: 2, prompt_tokens: 3, completion_tokens: 4, cost_micros: 5 },
  { day: '2025-01-31', requests: 1 },
];
const QUOTAS = [
  { meter: 'requests', period: 'day', limit: 3 } as const,
  { meter: 'cost', period: 'total', limit: 5 } as const,
];

/** A tally of `imported` keys, and of one in each other way. */
function tallied(imported = 1) {
  const tally = importTally();
  const key = { secret: 'never shown', label: 'Ada', quotas: QUOTAS, expires_at: NOON, usage: USAGE };
  const outcome = { key: 'sk-1…23', id: null, reason: null };
  for (let n = 0; n < imported; n += 1) tally.key(key, { ...outcome, status: 'imported' });
  tally.key({ ...key, disabled: true }, { ...outcome, status: 'exists' });
  tally.key(key, { ...outcome, status: 'refused', reason: 'is too short' });
  for (let row = 1; row <= 4; row += 1)
    tally.problem({ about: 'key', what: 'has no key', where: `row ${row}`, rows: 1 });
  tally.problem({ about: 'usage', what: 'is of no day', where: 'logs', rows: 7 });
  return tally;
}

test('a person sees each key, the sums of what is new, every problem, and no secret', () => {
  expect(importText(tallied().report({ ...KNOWN, dry_run: false }))).toBe(
    `old.db: one-api (tokens). Days are those of UTC.
KEY      LABEL  OUTCOME          STATUS    EXPIRES            QUOTAS                                 DAYS  REQUESTS
sk-1…23  Ada    imported         enabled   2026-11-24 12:00Z  3 requests per day, 5 micros in total     2         3
sk-1…23  Ada    is here already  disabled  2026-11-24 12:00Z  3 requests per day, 5 micros in total     2         3
sk-1…23  Ada    refused          enabled   2026-11-24 12:00Z  3 requests per day, 5 micros in total     2         3
Keys: 1 imported, 1 here already, 1 refused, 4 left out.
Usage that came along: 3 requests, 7 tokens, 5 micros, from 2025-01-31 to 2026-11-01.
Refused, a key: 1 × is too short (sk-1…23)
Left out, a key: 4 × has no key (row 1; row 2; row 3; …)
Left out, usage: 7 × is of no day (logs; …)
Beware.
`,
  );
});

test('however many keys and problems there are, the report stays small, and its counts exact', () => {
  const tally = tallied(1000);
  for (let n = 0; n < 1000; n += 1)
    tally.problem({ about: 'terms', what: `doubt ${n}`, where: 'x', rows: 1 });
  const report = tally.report({ ...KNOWN, dry_run: true });
  expect(report.keys).toEqual({ imported: 1000, importable: 0, exists: 1, refused: 1, left_out: 4 });
  expect(report.usage).toMatchObject({ days: 2000, requests: 3000 });
  expect(JSON.stringify(report).length).toBeLessThan(50_000);
  expect(report.problems.reduce((sum, { rows }) => sum + rows, 0)).toBe(4 + 7 + 1 + 1000);
  expect(importText(report)).toContain('The first 20 of 1002 keys.');
  expect(importText(report)).toContain('Nothing was changed.');
});
