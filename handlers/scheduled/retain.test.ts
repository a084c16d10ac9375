import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LedgerRetention, RemovalOrder } from '#core/ledger-retention.ts';
import type { Backups } from '#handlers/backup/backups.ts';
import { DAY_MS, reserving, settling, usageOf } from '#test/conformance/specimens.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { openProxy, type ProxyUnderTest } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';
import { createRetain } from './retain.ts';

let proxy: ProxyUnderTest;
beforeEach(async () => {
  proxy = await openProxy({ behaviour: (_, response) => sendJson(response, completion(1, 1)) });
});
afterEach(() => proxy.close());

/** A request a day, settled at once, from `daysAgo` days before noon on. */
async function daily(daysAgo: number, until = 0): Promise<void> {
  const { key } = await proxy.issue();
  for (let day = daysAgo; day >= until; day -= 1) {
    const at = NOON - day * DAY_MS;
    await proxy.store.ledger.execute(reserving(day + 1, key, { at }));
    await proxy.store.ledger.execute(settling(day + 1, key, usageOf(1, 1), { at }));
  }
}

/** The task of a proxy that keeps so many days; what it asks for is remembered. */
function retaining(ledgerDays: number, backups: Backups | null = null) {
  const orders: RemovalOrder[] = [];
  const { retention: real, services } = { retention: proxy.store.retention, services: proxy.services };
  const retention: LedgerRetention = {
    ...real,
    removeEntries(order) {
      orders.push(order);
      return real.removeEntries(order);
    },
  };
  const policy = { ...services.policy, ledgerDays };
  return { orders, retain: createRetain({ ...services, retention, policy, backups }) };
}

const removed = async () => (await proxy.store.health.status()).removedEntries;

test('what is older than the days to keep, counted from the seventh last day in use, is removed', async () => {
  await daily(60);
  await retaining(40).retain(NOON);
  // The seventh last day is six days ago, and began twelve hours before noon: 60 to 47 days ago.
  expect(await removed()).toBe(2 * 14);
  const { totals } = await proxy.store.reports.usage({ groupBy: 'day', limit: 1 });
  expect(totals.requests).toBe(61);
});

test('without LEDGER_DAYS nothing is', async () => {
  await daily(60);
  const { orders, retain } = retaining(0);
  await retain(NOON);
  expect(orders).toEqual([]);
});

test('a clock that was set ahead by ten years removes no more, whether or not requests are made by it', async () => {
  await daily(60);
  await retaining(40).retain(NOON + 3650 * DAY_MS);
  expect(await removed()).toBe(2 * 14);
  const { key } = await proxy.issue();
  await proxy.store.ledger.execute(reserving(1000, key, { at: NOON + 3650 * DAY_MS }));
  await retaining(40).retain(NOON + 3650 * DAY_MS);
  // One more day in use is one more day that goes.
  expect(await removed()).toBe(2 * 15);
});

test.each([
  { name: 'what is in no backup yet stays', shipped: 6, entries: 6 },
  { name: 'before the first backup all does', shipped: null, entries: 0 },
])('$name', async ({ shipped, entries }) => {
  await daily(60);
  const state = shipped === null ? undefined : { shipped: { mark: { ledgerN: shipped } } };
  const backups = { status: async () => ({ state }) } as unknown as Backups;
  await retaining(40, backups).retain(NOON);
  expect(await removed()).toBe(entries);
});

/** One that lets go of so many steps, and counts how often it is asked. */
function stepping(steps: number) {
  const asked: RemovalOrder[] = [];
  const retention: LedgerRetention = {
    ...proxy.store.retention,
    async removeEntries(order) {
      asked.push(order);
      return { kind: 'removed', entries: order.entriesMax, more: asked.length < steps };
    },
  };
  const { services } = proxy;
  const retain = createRetain({ ...services, retention, policy: { ...services.policy, ledgerDays: 40 } });
  return { asked, retain };
}

test('it goes in steps, at once while there is more, and then looks again after a minute', async () => {
  await daily(60);
  const { asked, retain } = stepping(20);
  const looks: number[] = [];
  for (const at of [0, 1000, 2000, 60_999, 61_000, 62_000, -1000]) {
    await retain(NOON + at);
    looks.push(asked.length);
  }
  expect(asked.every(({ entriesMax }) => entriesMax === 64)).toBe(true);
  expect(looks).toEqual([16, 20, 20, 20, 21, 21, 22]);
});

test('what cannot be removed is told, and tried again after a minute', async () => {
  await daily(60);
  const { services } = proxy;
  let tries = 0;
  const retention: LedgerRetention = {
    ...proxy.store.retention,
    async removeEntries() {
      tries += 1;
      return { kind: 'stuck', problem: 'entry 4 ends a request that was never reserved' };
    },
  };
  const retain = createRetain({ ...services, retention, policy: { ...services.policy, ledgerDays: 40 } });
  for (const at of [0, 1000, 60_000]) await retain(NOON + at);
  expect(tries).toBe(2);
  expect(proxy.failures.map(({ message }) => message)).toEqual([
    'Old entries of the ledger cannot be removed: run quota-proxy doctor.',
    'Old entries of the ledger cannot be removed: run quota-proxy doctor.',
  ]);
});
