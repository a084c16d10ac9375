import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AdminUnderTest, openAdmin } from '#test/fakes/admin.ts';

let under: AdminUnderTest;
beforeEach(async () => {
  under = await openAdmin();
});
afterEach(() => under.proxy.close());

const A200 = '😀'.repeat(200);
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`m${n}`, '']));
const quota = { meter: 'requests', period: 'day', limit: 1 };
const allQuotas = ['requests', 'tokens', 'cost'].flatMap((meter) =>
  ['minute', 'hour', 'day', 'month', 'total'].map((period) => ({ meter, period, limit: 1 })),
);

describe('bounds', () => {
  test.each([
    [
      'label',
      [A200, 'a', 'עברית', 'ก็'],
      ['', '   ', `${A200}a`, 'a\u0000', 'a\nb', '\u2028a\u2028b', '\ud800', null, 1],
    ],
    ['expires_in_days', [0, 36_500], [-1, 36_501, 1.5, '1', null]],
    [
      'expires_at',
      [null, 253_402_300_799_999],
      [0, -1, 1_800_000_000, 253_402_300_800_000, 1.5, '2030-01-01'],
    ],
    ['daily_limit', [1, Number.MAX_SAFE_INTEGER, null], [0, -1, 2 ** 53, 0.5, '5']],
    ['total_quota', [1, Number.MAX_SAFE_INTEGER, null], [0, -1, 2 ** 53, 0.5, '5']],
    [
      'quotas',
      [[], allQuotas, [{ ...quota, limit: 0 }]],
      [
        null,
        {},
        [quota, { ...quota, limit: 2 }],
        [{ ...quota, limit: -1 }],
        [{ ...quota, limit: 2 ** 53 }],
        [{ ...quota, limit: 0.5 }],
        [{ ...quota, x: 1 }],
        [{ meter: 'requests', limit: 1 }],
        [{ ...quota, period: 'week' }],
        [{ ...quota, meter: 'words' }],
        [...allQuotas, quota],
      ],
    ],
    [
      'models',
      [null, ['m'], Array(100).fill('m')],
      [[], [''], ['a'.repeat(201)], Array(101).fill('m'), 'm', [1]],
    ],
    [
      'ips',
      [null, ['203.0.113.7', '2001:db8::/32', '0.0.0.0/0']],
      [
        [],
        ['203.0.113.7/33'],
        ['203.0.113'],
        ['example.org'],
        [''],
        ['1'.repeat(51)],
        Array(101).fill('::1'),
        '::1',
      ],
    ],
    ['requests_per_minute', [null, 0, 1_000_000], [-1, 1_000_001, 0.5, '1']],
    ['max_concurrency', [null, 1, 10_000], [0, 10_001, 0.5, '1']],
    [
      'metadata',
      [{}, many(16), { k: 'v'.repeat(512) }, { ['k'.repeat(64)]: '' }],
      [
        null,
        many(17),
        { k: 'v'.repeat(513) },
        { ['k'.repeat(65)]: '' },
        { '': 'v' },
        { k: 1 },
        { k: 'a\u0007' },
        [],
      ],
    ],
  ])('of %s', async (field, good, bad) => {
    for (const value of good) {
      expect
        .soft((await under.ask('POST', '/admin/keys', { [field]: value })).status, JSON.stringify(value))
        .toBe(201);
    }
    for (const value of bad) {
      const { status, error } = await under.ask('POST', '/admin/keys', { [field]: value });
      expect.soft(status, JSON.stringify(value)).toBe(400);
      expect.soft(error?.param).toMatch(new RegExp(`^${field}`));
      expect.soft(error?.message).toContain(`${field}`);
    }
  });

  test.each([
    [{ expires_in_days: 1, expires_at: null }, 'expires_in_days'],
    [{ daily_limit: 5, quotas: [quota] }, 'daily_limit'],
    [{ total_quota: 5, quotas: [{ ...quota, period: 'total' }] }, 'total_quota'],
    [{ quotas: [quota, quota] }, 'quotas[1]'],
  ])('of %o together', async (body, param) => {
    const { status, error } = await under.ask('POST', '/admin/keys', body);
    expect(status).toBe(400);
    expect(error).toMatchObject({ code: 'invalid_body', param });
  });
});

test('of a name in metadata are told with the name', async () => {
  const { error } = await under.ask('POST', '/admin/keys', { metadata: { 'a\nb': 'v' } });
  expect(error?.message).toContain('has a name that is not taken: it must have 1 to 64 characters');
});
