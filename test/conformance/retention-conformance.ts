import { beforeEach, expect, test } from 'vitest';
import type { Store } from '#core/ports.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { DAY_MS, idOf, keyNumber, pastUse, reserving, settling, usageOf } from './specimens.ts';
import type { StoreUnderTest } from './store-under-test.ts';

const ALPHA = keyNumber(1, { quotas: [{ meter: 'tokens', period: 'total', limit: 200 }] });
const BETA = keyNumber(2);
const OLD = NOON - 100 * DAY_MS;

/** What `LedgerRetention` promises. */
export function testRetention(open: () => Promise<StoreUnderTest>): void {
  let subject: StoreUnderTest;
  let store: Store;
  beforeEach(async () => {
    subject = await open();
    store = subject.store;
    for (const key of [ALPHA, BETA]) await store.keys.add(key, null);
    await ofLongAgo();
  });

  /**
   * Entries 1 to 8 are of long ago, and all after them of today: 1 and 3 are settled, beyond what was reserved; 4, made
   * before 3 was ended, is settled today, and 6 is open.
   */
  async function ofLongAgo(): Promise<void> {
    const { ledger, keys } = store;
    await ledger.execute(reserving(1, ALPHA, { at: OLD }));
    await ledger.execute(settling(1, ALPHA, usageOf(100, 300), { at: OLD + 1 }));
    await ledger.execute(reserving(3, BETA, { at: OLD + DAY_MS }));
    await ledger.execute(reserving(4, BETA, { at: OLD + DAY_MS + 1 }));
    await ledger.execute(settling(3, BETA, usageOf(1, 1), { at: OLD + DAY_MS + 2 }));
    await ledger.execute(reserving(6, BETA, { at: OLD + DAY_MS + 3 }));
    await keys.bringIn(keyNumber(3), [pastUse(OLD, 7)], OLD + DAY_MS + 4, null);
    await ledger.execute({ kind: 'reset', at: OLD + DAY_MS + 5, keyId: BETA.id });
    await ledger.execute(settling(4, BETA, usageOf(2, 2)));
    for (const n of [11, 12, 13]) await ledger.execute(reserving(n, BETA, { at: NOON + n }));
    await allWritten();
  }

  /** A report needs all accounts in their rows; only what is there can be removed. */
  const allWritten = () => store.reports.usage({ groupBy: 'day', limit: 1 });

  const remove = (before: number, throughN: number | null = null, entriesMax = 100) =>
    store.retention.removeEntries({ before, throughN, entriesMax });

  /** All that is counted. */
  async function counted(of: Store): Promise<unknown> {
    const accounts = [1, 2, 3].map((n) => of.keys.account({ id: idOf('key', n) }));
    const { openReservations, entries } = await of.health.status();
    const usage = await of.reports.usage({ groupBy: 'key_model', limit: 100 });
    return { accounts: await Promise.all(accounts), openReservations, entries, usage };
  }

  test('what is old goes, a reservation with its ending; what is open, or was ended later, stays', async () => {
    expect(await remove(NOON)).toEqual({ kind: 'removed', entries: 6, more: false });
    const receipts = [1, 3, 4, 6, 11].map(async (n) => {
      return (await store.reports.receipt(idOf('request', n)))?.status;
    });
    expect(await Promise.all(receipts)).toEqual([undefined, undefined, 'settled', 'open', 'open']);
    const { items } = await store.reports.receipts({ limit: 10 });
    expect(items.map(({ requestId }) => requestId)).toEqual(
      [13, 12, 11, 6, 4].map((n) => idOf('request', n)),
    );
    expect(await store.health.status()).toMatchObject({
      removedEntries: 6,
      removedUntil: OLD + DAY_MS + 5,
      oldestAt: NOON,
      openReservations: 4,
    });
    expect(await subject.problems()).toEqual([]);
  });

  test('no balance and no count changes, then or later, nor does a crash change any', async () => {
    const before = await counted(store);
    await remove(NOON);
    expect(await counted(store)).toEqual(before);
    subject = await subject.crash();
    store = subject.store;
    expect(await counted(store)).toEqual(before);
    await store.ledger.execute(settling(6, BETA, usageOf(3, 3), { at: NOON + 99 }));
    expect(await remove(NOON + DAY_MS)).toMatchObject({ kind: 'removed' });
    // A total that was used up long ago stays used up.
    const asked = await store.ledger.execute(reserving(20, ALPHA, { at: NOON + 100 }));
    expect(asked).toMatchObject({ admitted: false, denial: { kind: 'quota_exceeded' } });
    expect(await subject.problems()).toEqual([]);
  });

  test('little by little comes to the same', async () => {
    const steps: unknown[] = [];
    for (let step = 0; step < 9; step += 1) steps.push(await remove(NOON, null, 1));
    const one = (entries: number, more = true) => ({ kind: 'removed', entries, more });
    expect(steps).toEqual([...[0, 2, 0, 0, 2, 0, 1, 1].map((entries) => one(entries)), one(0, false)]);
    expect(await subject.problems()).toEqual([]);
  });

  test.each([
    { name: 'nothing from that instant on', before: OLD + DAY_MS, throughN: null, entries: 2 },
    { name: 'nothing after the entry that backups have', before: NOON, throughN: 4, entries: 2 },
    { name: 'nothing where they have nothing', before: NOON, throughN: 0, entries: 0 },
    { name: 'nothing that is not old', before: OLD, throughN: null, entries: 0 },
  ])('$name', async ({ before, throughN, entries }) => {
    expect(await remove(before, throughN)).toEqual({ kind: 'removed', entries, more: false });
    expect(await subject.problems()).toEqual([]);
  });

  test('the page after a request that was removed is empty', async () => {
    const receipt = await store.reports.receipt(idOf('request', 3));
    const query = { limit: 3, before: receipt?.n ?? 0 };
    expect((await store.reports.receipts(query)).items).toHaveLength(1);
    await remove(NOON);
    expect(await store.reports.receipts(query)).toEqual({ items: [], next: null });
    const from = { limit: 9, from: OLD, to: NOON };
    expect((await store.reports.receipts(from)).items).toHaveLength(2);
  });

  test('days in use are told newest first, up to an instant', async () => {
    const day = (at: number) => at - (at % DAY_MS);
    const all = [day(NOON), day(OLD + DAY_MS), day(OLD)];
    expect(await store.retention.daysInUse(NOON, 9)).toEqual(all);
    expect(await store.retention.daysInUse(NOON, 2)).toEqual(all.slice(0, 2));
    expect(await store.retention.daysInUse(NOON - DAY_MS, 9)).toEqual(all.slice(1));
  });
}
