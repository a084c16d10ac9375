import { describe, expect, test } from 'vitest';
import {
  accountWith,
  bucketsWith,
  NOON,
  PRICES,
  perDay,
  reservationWith,
  reserveOf,
  sponsoredBy,
  UTC,
} from '#test/fakes/accounts.ts';
import { authorize } from './authorize.ts';
import type { Reserve } from './command.ts';
import type { Admission, Denial } from './decision.ts';
import type { Account, ApiKey } from './model.ts';
import { METERS, PERIODS } from './model.ts';

const answerTo = (account: Account | undefined, command: Reserve) => authorize(account, command, UTC).result;

function denialOf(account: Account | undefined, command = reserveOf()): Denial {
  const result = answerTo(account, command);
  if (result.admitted) throw new Error('it was admitted');
  return result.denial;
}

function admissionOf(account: Account, command = reserveOf()): Admission {
  const result = answerTo(account, command);
  if (!result.admitted) throw new Error(`it was refused: ${result.denial.kind}`);
  return result;
}

describe('refusals come in a fixed order', () => {
  const allowed: Partial<ApiKey> = { quotas: [perDay('cost', 1_000)], requestsPerMinute: 1 };
  // Everything is wrong at first; each step mends what the step before was refused for.
  const steps: readonly {
    refusal: string;
    key?: Partial<ApiKey>;
    account?: Partial<Account>;
    command?: Partial<Reserve>;
  }[] = [
    { refusal: 'deleted_key' },
    { refusal: 'key_disabled', key: { deletedAt: null } },
    { refusal: 'key_expired', key: { disabled: false } },
    { refusal: 'ip_not_allowed', key: { expiresAt: NOON + 1 } },
    { refusal: 'model_not_allowed', command: { address: '192.0.2.1' } },
    { refusal: 'model_not_priced', key: { models: ['deepseek-chat'] } },
    { refusal: 'too_many_in_flight', command: { prices: PRICES } },
    { refusal: 'rate_exceeded', key: { maxConcurrency: 2 } },
    { refusal: 'quota_exceeded by the key', account: { arrivalUs: 0 } },
    { refusal: 'quota_exceeded by the sponsor', account: { buckets: bucketsWith({}) } },
  ];
  const wrong = {
    key: {
      ...allowed,
      deletedAt: 1,
      disabled: true,
      expiresAt: 1,
      ips: ['192.0.2.0/24'],
      models: [],
      maxConcurrency: 1,
    },
    account: {
      arrivalUs: NOON * 1_000 + 60_000_000,
      buckets: bucketsWith({ used: { cost: 1_000 } }),
      open: [reservationWith({ id: 'other' })],
    },
    command: { prices: null },
  };
  const full = bucketsWith({ held: { cost: 1_000 } });

  /** The answer once the first `mended` steps are done. */
  function askedAfter(mended: number) {
    let {
      key,
      account,
      command,
    }: { key: Partial<ApiKey>; account: Partial<Account>; command: Partial<Reserve> } = wrong;
    for (const step of steps.slice(0, mended)) {
      key = { ...key, ...step.key };
      account = { ...account, ...step.account };
      command = { ...command, ...step.command };
    }
    return {
      account: sponsoredBy(accountWith(key, account), [perDay('cost', 1_000)], full),
      command: reserveOf({}, command),
    };
  }

  test('first of all: unknown_key', () => {
    expect(denialOf(undefined, askedAfter(0).command)).toEqual({ kind: 'unknown_key' });
  });

  test.each(steps.map(({ refusal }, index) => ({ refusal, index })))(
    'then $refusal',
    ({ refusal, index }) => {
      const { account, command } = askedAfter(index + 1);
      const denial = denialOf(account, command);
      expect(denial.kind === 'quota_exceeded' ? `${denial.kind} by the ${denial.holder}` : denial.kind).toBe(
        refusal,
      );
      expect(authorize(account, command, UTC).entries).toEqual([]);
    },
  );

  test('and once all is mended it is admitted', () => {
    const { account, command } = askedAfter(steps.length);
    expect(answerTo(sponsoredBy(account, [perDay('cost', 1_000)]), command).admitted).toBe(true);
  });
});

test.each([
  { key: { expiresAt: NOON }, denial: { kind: 'key_expired', expiredAt: NOON } },
  { key: { ips: ['10.0.0.0/8', '::1'] }, denial: { kind: 'ip_not_allowed', address: '203.0.113.7' } },
  {
    key: { models: ['a', 'b'] },
    denial: { kind: 'model_not_allowed', model: 'deepseek-chat', models: ['a', 'b'] },
  },
  { key: { maxConcurrency: 0 }, denial: { kind: 'too_many_in_flight', maxConcurrency: 0 } },
])('a refusal says what a person needs to know: $denial.kind', ({ key, denial }) => {
  expect(denialOf(accountWith(key))).toEqual(denial);
});

const ASKED = { requests: 1, tokens: 150, cost: 200 };
const everyQuota = METERS.flatMap((meter) =>
  PERIODS.map((period) => ({ meter, period, asked: ASKED[meter] })),
);

describe.each(everyQuota)('$meter per $period', ({ meter, period, asked }) => {
  const quota = { meter, period, limit: 1_000 };
  // Each is asked for no less than the call's own bound: nothing to clamp.
  const command = reserveOf(
    { outputTokensMax: 16, inputTokensMax: 134 },
    { prices: { ...PRICES, input: 1_000_000, output: 4_125_000 } },
  );

  test.each([
    { name: 'unused', used: 0, held: 0, admitted: true },
    { name: 'fits exactly', used: 600, held: 400 - asked, admitted: true },
    { name: 'one over', used: 600, held: 401 - asked, admitted: false },
    { name: 'what is held counts', used: 0, held: 1_000, admitted: false },
    { name: 'what is used counts', used: 1_000, held: 0, admitted: false },
  ])('$name', ({ used, held, admitted }) => {
    const buckets = bucketsWith({ used: { [meter]: used }, held: { [meter]: held } });
    const ofKey = accountWith({ quotas: [quota] }, { buckets });
    const ofSponsor = sponsoredBy(accountWith(), [quota], buckets);
    expect(answerTo(ofKey, command).admitted).toBe(admitted);
    expect(answerTo(ofSponsor, command).admitted).toBe(admitted);
    if (admitted) return;
    const resetsAt = UTC.windowOf(period, NOON).endsAt;
    const standing = { ...quota, used, held, resetsAt };
    expect(denialOf(ofKey, command)).toEqual({ kind: 'quota_exceeded', holder: 'key', standing, asked });
    expect(denialOf(ofSponsor, command)).toEqual({
      kind: 'quota_exceeded',
      holder: 'sponsor',
      standing,
      asked,
    });
  });
});

test.each(everyQuota.filter(({ period }) => period !== 'total'))(
  '$meter per $period: a new window begins empty',
  ({ meter, period }) => {
    const quota = { meter, period, limit: 1_000 };
    const account = accountWith({ quotas: [quota] }, { buckets: bucketsWith({ used: { [meter]: 1_000 } }) });
    const resetsAt = UTC.windowOf(period, NOON).endsAt ?? 0;
    expect(answerTo(account, reserveOf({}, { at: resetsAt - 1 })).admitted).toBe(false);
    expect(answerTo(account, reserveOf({}, { at: resetsAt })).admitted).toBe(true);
  },
);

test('a clock set back does not open a window that is over', () => {
  const quotas = [perDay('requests', 1)];
  const account = accountWith({ quotas }, { buckets: bucketsWith({ used: { requests: 1 } }) });
  const yesterday = NOON - 86_400_000;
  expect(denialOf(account, reserveOf({}, { at: yesterday }))).toMatchObject({
    standing: { used: 1, resetsAt: Date.UTC(2026, 10, 25) },
  });
  const sponsor = { ...account.sponsor, latestAt: NOON };
  const unused = accountWith({ quotas }, { sponsor });
  expect(admissionOf(unused, reserveOf({}, { at: yesterday })).reservation.madeAt).toBe(NOON);
});

test.each([
  { inFlight: 1, maxConcurrency: 2, admitted: true },
  { inFlight: 2, maxConcurrency: 2, admitted: false },
  { inFlight: 50, maxConcurrency: null, admitted: true },
])('$inFlight in flight of $maxConcurrency', ({ inFlight, maxConcurrency, admitted }) => {
  const open = Array.from({ length: inFlight }, (_, id) => reservationWith({ id: String(id) }));
  expect(answerTo(accountWith({ maxConcurrency }, { open }), reserveOf()).admitted).toBe(admitted);
});

test.each([
  { name: "the proxy's, where the key has none", ofKey: null, ofProxy: 30, rate: 30 },
  { name: "the key's own", ofKey: 5, ofProxy: 30, rate: 5 },
  { name: 'none, where the key says so', ofKey: 0, ofProxy: 30, rate: undefined },
  { name: 'none at all', ofKey: null, ofProxy: 0, rate: undefined },
])('the rate is $name', ({ ofKey, ofProxy, rate }) => {
  const account = accountWith({ requestsPerMinute: ofKey });
  const { rate: standing } = admissionOf(account, reserveOf({}, { requestsPerMinute: ofProxy }));
  expect(standing?.requestsPerMinute).toBe(rate);
});

test('the standings of an admission count it already; those of the sponsor are not shown', () => {
  const quotas = [perDay('requests', 10), { meter: 'tokens', period: 'total', limit: 1_000 } as const];
  const buckets = bucketsWith({ used: { requests: 3, tokens: 30 }, held: { requests: 1, tokens: 10 } });
  const account = sponsoredBy(accountWith({ quotas }, { buckets }), [perDay('cost', 9_999)]);
  expect(admissionOf(account).standings).toEqual([
    { ...quotas[0], used: 3, held: 2, resetsAt: Date.UTC(2026, 10, 25) },
    { ...quotas[1], used: 30, held: 160, resetsAt: null },
  ]);
});
