import { beforeEach, expect, test } from 'vitest';
import type { Store } from '#core/ports.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { DAY_MS, idOf, keyNumber, operation, pastUse, requestsADay, reserving } from './specimens.ts';
import type { StoreUnderTest } from './store-under-test.ts';

const TODAY = Date.UTC(2026, 10, 24);
const KEY = keyNumber(1, { quotas: requestsADay(3), createdAt: NOON - 90 * DAY_MS });
/** Today, earlier this month, and last year. */
const HISTORY = [pastUse(TODAY - 300 * DAY_MS, 100), pastUse(TODAY - 20 * DAY_MS, 10), pastUse(TODAY, 1)];

/** What `KeyRegistry.bringIn` promises. */
export function testBringingIn(open: () => Promise<StoreUnderTest>): void {
  let subject: StoreUnderTest;
  let store: Store;
  beforeEach(async () => {
    subject = await open();
    store = subject.store;
  });
  const bringIn = (key = KEY, history = HISTORY) =>
    store.keys.bringIn(key, history, NOON, operation('keys.import', key.id));
  const usedOf = async () => {
    const account = await store.keys.account({ digest: KEY.digest });
    return account?.buckets.map(({ used }) => [used.requests, used.tokens, used.cost]);
  };

  test('a key comes with its history: it counts in the windows of its days, also after a crash', async () => {
    expect(await bringIn()).toBe(true);
    const counted = [
      [0, 0, 0],
      [0, 0, 0],
      [2, 1, 3],
      [4, 11, 33],
      [6, 111, 333],
    ];
    expect(await usedOf()).toEqual(counted);
    store = (await subject.crash()).store;
    expect(await usedOf()).toEqual(counted);
    const account = await store.keys.account({ id: KEY.id });
    expect(account).toMatchObject({ key: KEY, lastUsedAt: TODAY, open: [] });
    expect(account?.sponsor.buckets.map(({ used }) => used.requests)).toEqual([0, 0, 2, 4, 6]);
    expect(await subject.problems()).toEqual([]);
  });

  test('its quotas count on from there', async () => {
    await bringIn();
    expect(await store.ledger.execute(reserving(1, KEY))).toMatchObject({ admitted: true });
    expect(await store.ledger.execute(reserving(2, KEY))).toMatchObject({
      denial: { kind: 'quota_exceeded', standing: { period: 'day', used: 2, held: 1 } },
    });
  });

  test('twice is once, whatever is given the second time; the first is not touched', async () => {
    await bringIn();
    await store.keys.amend(KEY.id, { at: NOON, label: 'renamed' }, null);
    expect(await bringIn(keyNumber(2, { digest: KEY.digest }), [pastUse(TODAY, 7)])).toBe(false);
    expect(await store.keys.account({ id: idOf('key', 2) })).toBeUndefined();
    expect((await usedOf())?.at(-1)).toEqual([6, 111, 333]);
    expect((await store.operations.list({ limit: 9 })).items.map(({ target }) => target)).toEqual([KEY.id]);
    expect(await store.health.status()).toMatchObject({ keys: 1, entries: 3 });
  });

  test('all of it or nothing: a taken id, or a day to come, leaves nothing, and harms no neighbour', async () => {
    await store.keys.add(keyNumber(2), null);
    const taken = keyNumber(2, { digest: 'a'.repeat(64) });
    const answers = await Promise.allSettled([
      bringIn(taken),
      bringIn(keyNumber(3), [pastUse(TODAY, 1), pastUse(TODAY + DAY_MS, 1)]),
      bringIn(),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect(await store.keys.account({ id: idOf('key', 3) })).toBeUndefined();
    expect((await store.keys.account({ id: idOf('key', 2) }))?.lastUsedAt).toBeNull();
    expect((await store.operations.list({ limit: 9 })).items).toHaveLength(1);
    expect(await store.health.status()).toMatchObject({ keys: 2, entries: 3 });
  });

  test('its days are in the reports, under a model of their own', async () => {
    await bringIn();
    await store.ledger.execute(reserving(1, KEY));
    const { rows, totals } = await store.reports.usage({ groupBy: 'key_model', limit: 10 });
    expect(rows.map(({ day, model, requests, prompt }) => [day, model, requests, prompt])).toEqual([
      ['2026-11-24', '(imported)', 2, 1],
      ['2026-11-24', 'm', 1, 0],
      ['2026-11-04', '(imported)', 2, 10],
      ['2026-01-28', '(imported)', 2, 100],
    ]);
    expect(totals).toMatchObject({ requests: 7, successes: 3, errors: 3, prompt: 111, costMicros: 333 });
    expect((await store.reports.receipts({ limit: 9 })).items).toHaveLength(1);
  });

  test('what came in above a limit lets nothing pass, and is no overspending', async () => {
    await bringIn(KEY, [pastUse(TODAY, 1), pastUse(TODAY, 1)]);
    expect(await store.ledger.execute(reserving(1, KEY))).toMatchObject({
      denial: { kind: 'quota_exceeded' },
    });
    await store.keys.add(keyNumber(2), null);
    await store.keys.setSponsorQuotas(requestsADay(5), NOON, null);
    expect(await store.ledger.execute(reserving(2, keyNumber(2), { at: NOON + 1 }))).toMatchObject({
      admitted: true,
    });
    await store.keys.bringIn(keyNumber(3), [pastUse(TODAY, 1)], NOON + 2, null);
    expect(await store.ledger.execute(reserving(3, keyNumber(2), { at: NOON + 3 }))).toMatchObject({
      denial: { kind: 'quota_exceeded', holder: 'sponsor' },
    });
    expect(await subject.problems()).toEqual([]);
  });
}
