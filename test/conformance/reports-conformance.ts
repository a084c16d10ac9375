import { beforeEach, expect, test } from 'vitest';
import type { Store } from '#core/ports.ts';
import type { UsageRow } from '#core/reports.ts';
import { NOON } from '#test/fakes/accounts.ts';
import {
  DAY_MS,
  FAILED,
  idOf,
  keyNumber,
  releasing,
  reserving,
  SERVED,
  settling,
  usageOf,
} from './specimens.ts';
import type { StoreUnderTest } from './store-under-test.ts';

const ALPHA = keyNumber(1, { label: 'alpha' });
const BETA = keyNumber(2, { label: 'beta', models: ['m', 'n'] });

/** What `UsageReports` and `StoreHealth` promise. */
export function testReports(open: () => Promise<StoreUnderTest>): void {
  let subject: StoreUnderTest;
  let store: Store;
  beforeEach(async () => {
    subject = await open();
    store = subject.store;
    for (const key of [ALPHA, BETA]) await store.keys.add(key, null);
  });

  /** Seven requests on two days, and one refusal. */
  async function seven(): Promise<void> {
    const { ledger } = store;
    const call = (model: string) => ({ ...reserving(0, BETA).call, model });
    for (const n of [1, 2, 3]) await ledger.execute(reserving(n, ALPHA, { at: NOON + n }));
    await ledger.execute(
      settling(
        1,
        ALPHA,
        { prompt: 8, completion: 20, cached: 4, cacheWritten: 0, reasoning: 2 },
        { at: NOON + 5 },
      ),
    );
    await ledger.execute(settling(2, ALPHA, null, { outcome: FAILED, at: NOON + 6 }));
    await ledger.execute(releasing(3, ALPHA, { at: NOON + 7 }));
    await ledger.execute(reserving(4, BETA, { call: call('n'), at: NOON + 8 }));
    await ledger.execute(reserving(5, BETA, { call: call('other'), at: NOON + 8 }));
    await ledger.execute(settling(4, BETA, usageOf(1, 1), { at: NOON + DAY_MS + 1 }));
    await ledger.execute(reserving(6, BETA, { at: NOON + DAY_MS }));
    await ledger.execute({ kind: 'lapse', at: NOON + DAY_MS, requestId: idOf('request', 6), keyId: BETA.id });
    await ledger.execute(reserving(7, ALPHA, { at: NOON + DAY_MS }));
  }

  test('usage adds up by day and key, newest day first, then the most used', async () => {
    await seven();
    const { rows, totals } = await store.reports.usage({ groupBy: 'key', limit: 10 });
    const zero = {
      requests: 0,
      successes: 0,
      errors: 0,
      rejections: 0,
      prompt: 0,
      completion: 0,
      cached: 0,
      costMicros: 0,
    };
    const [alpha, beta] = [ALPHA, BETA].map(({ id, label, hint }) => ({
      keyId: id,
      label,
      hint,
      model: null,
    }));
    const today = '2026-11-25';
    const before = '2026-11-24';
    expect(rows).toEqual([
      { ...zero, ...alpha, day: today, updatedAt: NOON + DAY_MS, requests: 1 },
      {
        ...zero,
        ...beta,
        day: today,
        updatedAt: NOON + DAY_MS,
        requests: 1,
        errors: 1,
        completion: 100,
        costMicros: 100,
      },
      {
        ...{ ...zero, ...alpha, day: before, updatedAt: NOON + 7, requests: 3, successes: 1, errors: 2 },
        ...{ prompt: 8, completion: 120, cached: 4, costMicros: 128 },
      },
      {
        ...{
          ...zero,
          ...beta,
          day: before,
          updatedAt: NOON + DAY_MS + 1,
          requests: 1,
          successes: 1,
          rejections: 1,
        },
        ...{ prompt: 1, completion: 1, costMicros: 2 },
      },
    ]);
    const ended = { requests: 6, successes: 2, errors: 3, rejections: 1 };
    expect(totals).toEqual({ ...ended, prompt: 9, completion: 221, cached: 4, costMicros: 230 });
  });

  test.each([
    { name: 'by model', query: { groupBy: 'model' }, rows: 4, requests: 6 },
    { name: 'by key and model', query: { groupBy: 'key_model' }, rows: 5, requests: 6 },
    { name: 'by day', query: { groupBy: 'day' }, rows: 2, requests: 6 },
    { name: 'by month', query: { groupBy: 'month' }, rows: 1, requests: 6 },
    { name: 'of one key', query: { groupBy: 'key', keyId: BETA.id }, rows: 2, requests: 2 },
    { name: 'of one model', query: { groupBy: 'key', model: 'n' }, rows: 1, requests: 1 },
    { name: 'from a day on', query: { groupBy: 'day', fromDay: '2026-11-25' }, rows: 1, requests: 2 },
    { name: 'to a day', query: { groupBy: 'day', toDay: '2026-11-24' }, rows: 1, requests: 4 },
    { name: 'cut, with whole totals', query: { groupBy: 'key', limit: 1 }, rows: 1, requests: 6 },
    {
      name: 'of a key that never was',
      query: { groupBy: 'key', keyId: idOf('key', 9) },
      rows: 0,
      requests: 0,
    },
    { name: 'of what is no key', query: { groupBy: 'key', keyId: 'nonsense' }, rows: 0, requests: 0 },
  ] as const)('usage $name', async ({ query, rows, requests }) => {
    await seven();
    const found = await store.reports.usage({ limit: 10, ...query });
    expect(found.rows).toHaveLength(rows);
    expect(found.totals.requests).toBe(requests);
  });

  test.each(['key', 'model', 'key_model', 'day', 'month'] as const)(
    'usage by %s comes in pages that meet, in either order',
    async (groupBy) => {
      await seven();
      for (const sort of ['requests', 'key'] as const) {
        const whole = await store.reports.usage({ groupBy, sort, limit: 10 });
        const rows: UsageRow[] = [];
        for (let more = true; more; ) {
          const after = rows.at(-1);
          const page = await store.reports.usage({ groupBy, sort, limit: 2, ...(after && { after }) });
          rows.push(...page.rows);
          expect(page.totals).toEqual(whole.totals);
          more = page.more;
        }
        expect(rows).toEqual(whole.rows);
        expect(whole.more).toBe(false);
      }
    },
  );

  test('usage survives a crash but for rejections, and is never counted twice', async () => {
    await seven();
    const before = await store.reports.usage({ groupBy: 'key_model', limit: 10 });
    await store.ledger.execute(settling(7, ALPHA, usageOf(2, 3), { at: NOON + DAY_MS + 2 }));
    subject = await subject.crash();
    const { totals } = await subject.store.reports.usage({ groupBy: 'key_model', limit: 10 });
    const expected = { ...before.totals, successes: before.totals.successes + 1 };
    expect(totals).toEqual({ ...expected, prompt: 11, completion: 224, costMicros: 235 });
    expect(await subject.problems()).toEqual([]);
  });

  test('a receipt tells all of a request', async () => {
    await seven();
    expect(await store.reports.receipt(idOf('request', 1))).toEqual({
      n: 1,
      requestId: idOf('request', 1),
      keyId: ALPHA.id,
      endpoint: 'chat.completions',
      model: 'm',
      stream: false,
      status: 'settled',
      madeAt: NOON + 1,
      endedAt: NOON + 5,
      reserved: { requests: 1, tokens: 100, cost: 100 },
      used: { requests: 1, tokens: 28, cost: 28 },
      overdraft: { requests: 0, tokens: 0, cost: 0 },
      usage: { prompt: 8, completion: 20, cached: 4, cacheWritten: 0, reasoning: 2 },
      source: 'upstream',
      prices: reserving(1, ALPHA).prices,
      outcome: SERVED,
    });
    const statuses = [2, 3, 6, 7].map(async (n) => (await store.reports.receipt(idOf('request', n)))?.status);
    expect(await Promise.all(statuses)).toEqual(['settled', 'released', 'lapsed', 'open']);
    expect(await store.reports.receipt(idOf('request', 6))).toMatchObject({
      source: 'estimate',
      usage: null,
    });
    expect(await store.reports.receipt(idOf('request', 5))).toBeUndefined();
    expect(await store.reports.receipt('nonsense')).toBeUndefined();
  });

  test('what the upstream billed beyond a governed reservation is told', async () => {
    const key = keyNumber(3, { quotas: [{ meter: 'tokens', period: 'day', limit: 200 }] });
    await store.keys.add(key, null);
    await store.ledger.execute(reserving(8, key));
    await store.ledger.execute(settling(8, key, usageOf(10, 300)));
    const receipt = await store.reports.receipt(idOf('request', 8));
    expect(receipt?.overdraft).toEqual({ requests: 0, tokens: 210, cost: 0 });
    const { items } = await store.reports.receipts({ limit: 5, overdrawn: true });
    expect(items).toEqual([receipt]);
    expect(await subject.problems()).toEqual([]);
  });

  test.each([
    { name: 'all', query: {}, found: [7, 6, 4, 3, 2], next: 2 },
    { name: 'the next page', query: { before: 2 }, found: [1], next: null },
    { name: 'of a key', query: { keyId: ALPHA.id }, found: [7, 3, 2, 1], next: null },
    { name: 'of a key, next page', query: { keyId: ALPHA.id, before: 11 }, found: [3, 2, 1], next: null },
    { name: 'from an instant on', query: { from: NOON + 8 }, found: [7, 6, 4], next: null },
    { name: 'up to an instant', query: { to: NOON + 3 }, found: [2, 1], next: null },
    { name: 'in between', query: { from: NOON + 2, to: NOON + 9 }, found: [4, 3, 2], next: null },
    { name: 'up to an instant, next page', query: { to: NOON + 9, before: 3 }, found: [2, 1], next: null },
    { name: 'of a key that never was', query: { keyId: idOf('key', 9) }, found: [], next: null },
    { name: 'of what is no key', query: { keyId: 'nonsense' }, found: [], next: null },
    { name: 'of a model', query: { model: 'n' }, found: [4], next: null },
    { name: 'of an endpoint', query: { endpoint: 'chat.completions', limit: 1 }, found: [7], next: 11 },
    { name: 'of another endpoint', query: { endpoint: 'embeddings' }, found: [], next: null },
    { name: 'open', query: { status: 'open' }, found: [7], next: null },
    { name: 'settled', query: { status: 'settled', limit: 2 }, found: [4, 2], next: 2 },
    { name: 'released', query: { status: 'released' }, found: [3], next: null },
    { name: 'lapsed', query: { status: 'lapsed' }, found: [6], next: null },
    { name: 'with a status', query: { httpStatus: { first: 502, last: 502 } }, found: [3, 2], next: null },
    {
      name: 'with a class of them',
      query: { httpStatus: { first: 200, last: 299 } },
      found: [4, 1],
      next: null,
    },
    { name: 'estimated', query: { source: 'estimate' }, found: [6, 2], next: null },
    { name: 'counted', query: { source: 'upstream', keyId: BETA.id }, found: [4], next: null },
    { name: 'overdrawn', query: { overdrawn: true }, found: [], next: null },
  ] as const)('receipts: $name', async ({ query, found, next }) => {
    await seven();
    const page = await store.reports.receipts({ limit: 5, ...query });
    expect(page.items.map(({ requestId }) => requestId)).toEqual(found.map((n) => idOf('request', n)));
    expect(page.next).toBe(next);
  });

  test('pages meet, whatever comes in between them', async () => {
    await seven();
    const first = await store.reports.receipts({ limit: 3 });
    await store.ledger.execute(reserving(8, ALPHA, { at: NOON + DAY_MS }));
    await store.ledger.execute(releasing(7, ALPHA, { at: NOON + DAY_MS }));
    const second = await store.reports.receipts({ limit: 3, before: first.next ?? 0 });
    const seen = [...first.items, ...second.items].map(({ requestId }) => requestId);
    expect(seen).toEqual([7, 6, 4, 3, 2, 1].map((n) => idOf('request', n)));
    expect(second.next).toBeNull();
  });

  test('health commits, and status counts', async () => {
    await seven();
    await store.health.check();
    expect(await store.health.status()).toMatchObject({ keys: 2, entries: 11, openReservations: 1 });
  });
}
