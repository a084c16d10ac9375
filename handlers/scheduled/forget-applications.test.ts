import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ForgetOrder } from '#core/applications.ts';
import { DAYS_IN_USE } from '#core/ledger-retention.ts';
import { applicationNumber } from '#test/conformance/application-specimens.ts';
import { DAY_MS, reserving } from '#test/conformance/specimens.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { openProxy, type ProxyUnderTest } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';
import { createForgetApplications } from './forget-applications.ts';

const YEAR_MS = 365 * DAY_MS;

let requests = 0;

let proxy: ProxyUnderTest;
beforeEach(async () => {
  proxy = await openProxy({ behaviour: (_, response) => sendJson(response, completion(1, 1)) });
});
afterEach(() => proxy.close());

/** The task of a proxy that keeps so many days; what it asks for is remembered. */
function forgetting(applicationsDays: number) {
  const asked: ForgetOrder[] = [];
  const { services, store } = proxy;
  const applications = {
    ...store.applications,
    forget(order: ForgetOrder) {
      asked.push(order);
      return store.applications.forget(order);
    },
  };
  const policy = { ...services.policy, applicationsDays };
  return { asked, forget: createForgetApplications({ ...services, applications, policy }) };
}

/** A request on each of so many days, the last of them at `last`. */
async function used(days: number, last = NOON): Promise<void> {
  const { key } = await proxy.issue();
  for (let day = days - 1; day >= 0; day -= 1) {
    const at = last - day * DAY_MS;
    requests += 1;
    await proxy.store.ledger.execute(reserving(requests, key, { at }));
  }
}

/** Some that nobody decided on: each ended thirty days after it was made. */
async function pending(count: number, madeAt = NOON - YEAR_MS): Promise<void> {
  for (let n = 1; n <= count; n += 1) {
    await proxy.store.applications.add(applicationNumber(n, { madeAt: madeAt + n }), count);
  }
}

const left = async () => (await proxy.store.applications.list({ at: NOON, limit: 9999 })).items.length;

test('what ended so many days ago is forgotten, counted from the seventh last day in use', async () => {
  await used(DAYS_IN_USE);
  const [sixDays, half] = [6 * DAY_MS, DAY_MS / 2];
  await pending(1, NOON - (30 + 90) * DAY_MS - sixDays - half);
  await forgetting(90).forget(NOON);
  expect(await left()).toBe(1);
  await used(1, NOON + DAY_MS);
  await forgetting(90).forget(NOON + DAY_MS);
  expect(await left()).toBe(0);
});

test('at 0 all are kept', async () => {
  await used(DAYS_IN_USE);
  await pending(1);
  const { asked, forget } = forgetting(0);
  await forget(NOON);
  expect([asked, await left()]).toEqual([[], 1]);
});

test.each([
  { name: 'the clock is ahead by a year', days: DAYS_IN_USE, last: NOON, at: NOON + YEAR_MS },
  {
    name: 'there were requests by such a clock',
    days: DAYS_IN_USE - 1,
    last: NOON + YEAR_MS,
    at: NOON + YEAR_MS,
  },
])('nothing is while $name', async ({ days, last, at }) => {
  await used(1, NOON);
  await used(days, last);
  await pending(1, NOON - DAY_MS);
  await forgetting(90).forget(at);
  expect(await left()).toBe(1);
});

test('it goes in steps, at once while there is more, and then looks again after an hour', async () => {
  await used(DAYS_IN_USE);
  await pending(20 * 64 + 1);
  const { asked, forget } = forgetting(90);
  const seen: number[][] = [];
  for (const at of [0, 1000, 2000, 3_600_999, 3_601_000, -1000]) {
    await forget(NOON + at);
    seen.push([asked.length, await left()]);
  }
  expect(asked.every(({ lookMax }) => lookMax === 64)).toBe(true);
  expect(seen).toEqual([
    [16, 257],
    [21, 0],
    [21, 0],
    [21, 0],
    [22, 0],
    [23, 0],
  ]);
});
