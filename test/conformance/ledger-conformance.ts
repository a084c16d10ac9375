import { beforeEach, expect, test } from 'vitest';
import type { Account, ApiKey, Meter, Period } from '#core/model.ts';
import type { Store } from '#core/ports.ts';
import { NOON } from '#test/fakes/accounts.ts';
import {
  DAY_MS,
  FAILED,
  idOf,
  keyNumber,
  MINUTE_MS,
  releasing,
  requestsADay,
  reserving,
  settling,
  usageOf,
} from './specimens.ts';
import type { StoreUnderTest } from './store-under-test.ts';

/** What `Ledger` promises. */
export function testLedger(open: () => Promise<StoreUnderTest>): void {
  let subject: StoreUnderTest;
  let store: Store;
  beforeEach(async () => {
    subject = await open();
    store = subject.store;
  });

  const withKey = async (changes: Partial<ApiKey> = {}) => {
    const key = keyNumber(1, changes);
    await store.keys.add(key, null);
    return key;
  };
  const accountOf = async (key: ApiKey): Promise<Account> => {
    const account = await store.keys.account({ id: key.id });
    if (account === undefined) throw new Error('no account');
    return account;
  };
  const standing = (account: Pick<Account, 'buckets'>, period: Period, meter: Meter) => {
    const bucket = account.buckets.find((each) => each.period === period);
    return [bucket?.used[meter], bucket?.held[meter]];
  };

  test('reserve holds, settle charges what was used, and the rest is given back', async () => {
    const key = await withKey();
    const admission = await store.ledger.execute(reserving(1, key));
    expect(admission).toMatchObject({
      admitted: true,
      reservation: { amount: { requests: 1, tokens: 100, cost: 100 } },
    });
    expect(standing(await accountOf(key), 'day', 'tokens')).toEqual([0, 100]);
    expect((await accountOf(key)).open).toHaveLength(1);

    expect(await store.ledger.execute(settling(1, key, usageOf(8, 20)))).toEqual({ ended: true });
    const account = await accountOf(key);
    expect(standing(account, 'day', 'tokens')).toEqual([28, 0]);
    expect(standing(account, 'total', 'cost')).toEqual([28, 0]);
    expect(standing(account.sponsor, 'month', 'requests')).toEqual([1, 0]);
    expect(account).toMatchObject({ open: [], lastUsedAt: NOON });
  });

  test('release gives everything back, an unknown usage costs what was held', async () => {
    const key = await withKey();
    await store.ledger.execute(reserving(1, key));
    await store.ledger.execute(releasing(1, key));
    expect(standing(await accountOf(key), 'day', 'tokens')).toEqual([0, 0]);
    await store.ledger.execute(reserving(2, key));
    await store.ledger.execute(settling(2, key, null));
    expect(standing(await accountOf(key), 'day', 'tokens')).toEqual([100, 0]);
  });

  test('a request ends once, whatever is tried', async () => {
    const key = await withKey();
    await store.ledger.execute(reserving(1, key));
    const endings = await Promise.all([
      store.ledger.execute(settling(1, key, usageOf(1, 1))),
      store.ledger.execute(settling(1, key, usageOf(5, 5))),
      store.ledger.execute(releasing(1, key)),
      store.ledger.execute({ kind: 'lapse', at: NOON, requestId: idOf('request', 1), keyId: key.id }),
    ]);
    expect(endings.map(({ ended }) => ended)).toEqual([true, false, false, false]);
    expect(standing(await accountOf(key), 'day', 'tokens')).toEqual([2, 0]);
    expect(await store.ledger.execute(settling(2, key, null))).toEqual({ ended: false });
    expect(await store.ledger.execute(settling(1, keyNumber(9), null))).toEqual({ ended: false });
  });

  test.each(['open', 'ended'])(
    'a request id is reserved once: a repeat while %s fails and counts nothing',
    async (state) => {
      const key = await withKey();
      await store.ledger.execute(reserving(1, key));
      if (state === 'ended') await store.ledger.execute(releasing(1, key));
      const before = await accountOf(key);
      const [repeat, neighbour] = await Promise.allSettled([
        store.ledger.execute(reserving(1, key)),
        store.ledger.execute(reserving(2, key)),
      ]);
      expect(repeat.status).toBe('rejected');
      expect(neighbour.status).toBe('fulfilled');
      await store.ledger.execute(releasing(2, key));
      expect(await accountOf(key)).toEqual({ ...before, sponsor: (await accountOf(key)).sponsor });
    },
  );

  test('of 200 parallel requests for the last unit exactly one is admitted', async () => {
    const key = await withKey({ quotas: requestsADay(1) });
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) => store.ledger.execute(reserving(n, key))),
    );
    expect(answers.filter(({ admitted }) => admitted)).toHaveLength(1);
    expect(standing(await accountOf(key), 'day', 'requests')).toEqual([0, 1]);
  });

  test('the sponsor sets a limit for all keys together', async () => {
    const keys = [keyNumber(1), keyNumber(2)];
    for (const key of keys) await store.keys.add(key, null);
    await store.keys.setSponsorQuotas([{ meter: 'tokens', period: 'total', limit: 150 }], NOON, null);
    const [first, second] = await Promise.all(keys.map((key, n) => store.ledger.execute(reserving(n, key))));
    expect(first?.admitted).toBe(true);
    // What is left is less than the call may use: it is cut to that.
    expect(second).toMatchObject({
      admitted: true,
      outputTokensMax: 40,
      reservation: { amount: { tokens: 50 } },
    });
    const third = await store.ledger.execute(reserving(3, keyNumber(1)));
    expect(third).toMatchObject({ denial: { kind: 'quota_exceeded', holder: 'sponsor' } });
  });

  test.each([
    { kind: 'unknown_key', key: {}, asks: { digest: 'f'.repeat(64) } },
    { kind: 'deleted_key', key: { deletedAt: NOON - 1 }, asks: {} },
    { kind: 'key_disabled', key: { disabled: true }, asks: {} },
    { kind: 'key_expired', key: { expiresAt: NOON }, asks: {} },
    { kind: 'ip_not_allowed', key: { ips: ['198.51.100.0/24'] }, asks: {} },
    { kind: 'model_not_allowed', key: { models: ['other'] }, asks: {} },
    {
      kind: 'model_not_priced',
      key: { quotas: [{ meter: 'cost', period: 'day', limit: 9 }] },
      asks: { prices: null },
    },
    { kind: 'too_many_in_flight', key: { maxConcurrency: 0 }, asks: {} },
    { kind: 'quota_exceeded', key: { quotas: requestsADay(0) }, asks: {} },
  ] as const)('refuses by $kind and records nothing', async ({ kind, key: changes, asks }) => {
    const key = await withKey(changes);
    const refusal = await store.ledger.execute(reserving(1, key, asks));
    expect(refusal).toMatchObject({ admitted: false, denial: { kind } });
    expect((await store.health.status()).entries).toBe(0);
  });

  test('a rate admits its minute at once, and then by and by', async () => {
    const key = await withKey({ requestsPerMinute: 2 });
    const at = (ms: number) => reserving(ms + 1, key, { at: NOON + ms });
    const admitted = [];
    for (const ms of [0, 1, 2, 30_000, 30_001]) admitted.push((await store.ledger.execute(at(ms))).admitted);
    expect(admitted).toEqual([true, true, false, true, false]);
  });

  test('a request across midnight is charged to the day it was made in', async () => {
    const key = await withKey({ quotas: requestsADay(1) });
    const midnight = NOON + DAY_MS / 2;
    expect((await store.ledger.execute(reserving(1, key, { at: midnight - 1 }))).admitted).toBe(true);
    expect((await store.ledger.execute(reserving(2, key, { at: midnight - 1 }))).admitted).toBe(false);
    expect((await store.ledger.execute(reserving(3, key, { at: midnight }))).admitted).toBe(true);
    await store.ledger.execute(settling(1, key, usageOf(1, 1), { at: midnight + 1 }));
    const account = await accountOf(key);
    expect(standing(account, 'day', 'requests')).toEqual([0, 1]);
    expect(standing(account, 'total', 'requests')).toEqual([1, 1]);
  });

  test('a clock that is set back fills no window twice', async () => {
    const key = await withKey({ quotas: requestsADay(1) });
    await store.ledger.execute(reserving(1, key, { at: NOON + DAY_MS }));
    const back = await store.ledger.execute(reserving(2, key, { at: NOON }));
    expect(back).toMatchObject({ admitted: false, denial: { kind: 'quota_exceeded' } });
  });

  test('a reset begins the windows anew, keeps what is held, and leaves the sponsor alone', async () => {
    const key = await withKey();
    for (const n of [1, 2]) await store.ledger.execute(reserving(n, key));
    await store.ledger.execute(settling(1, key, usageOf(5, 5)));
    expect(await store.ledger.execute({ kind: 'reset', at: NOON, keyId: key.id })).toEqual({ ended: true });
    const account = await accountOf(key);
    expect(standing(account, 'total', 'tokens')).toEqual([0, 100]);
    expect(standing(account.sponsor, 'total', 'tokens')).toEqual([10, 100]);
    expect(await store.ledger.execute({ kind: 'reset', at: NOON, keyId: idOf('key', 9) })).toEqual({
      ended: false,
    });
  });

  test('lapsed names what nobody will settle: oldest first, so many as asked for', async () => {
    const key = await withKey();
    for (const n of [1, 2, 3])
      await store.ledger.execute(reserving(n, key, { at: NOON + n, lapsesAt: NOON + 10 * n }));
    const named = (n: number) => ({ requestId: idOf('request', n), keyId: key.id });
    expect(await store.ledger.lapsed(NOON + 9, 10)).toEqual([]);
    expect(await store.ledger.lapsed(NOON + 20, 10)).toEqual([named(1), named(2)]);
    expect(await store.ledger.lapsed(NOON + 99, 2)).toEqual([named(1), named(2)]);
    await store.ledger.execute({ kind: 'lapse', at: NOON + 20, ...named(1) });
    expect(await store.ledger.lapsed(NOON + 20, 10)).toEqual([named(2)]);
    expect(standing(await accountOf(key), 'day', 'tokens')).toEqual([100, 200]);
  });

  test('after a crash everything acknowledged is there, and what was open is nobody’s', async () => {
    const key = await withKey({ quotas: requestsADay(5) });
    for (const n of [1, 2, 3]) await store.ledger.execute(reserving(n, key, { lapsesAt: NOON + DAY_MS }));
    await store.ledger.execute(settling(1, key, usageOf(3, 4)));
    const before = await accountOf(key);
    subject = await subject.crash();
    store = subject.store;
    expect(await accountOf(key)).toEqual(before);
    const orphans = [2, 3].map((n) => ({ requestId: idOf('request', n), keyId: key.id }));
    expect(await store.ledger.lapsed(NOON, 10)).toEqual(orphans);
    await store.ledger.execute(reserving(4, key, { at: NOON + MINUTE_MS }));
    expect(await store.ledger.lapsed(NOON, 10)).toEqual(orphans);
    await store.ledger.execute(settling(2, key, usageOf(1, 1), { outcome: FAILED }));
    expect(await store.ledger.lapsed(NOON, 10)).toEqual(orphans.slice(1));
    expect(await subject.problems()).toEqual([]);
  });
}
