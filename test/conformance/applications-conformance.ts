import { beforeEach, expect, test } from 'vitest';
import type { Verdict } from '#core/applications.ts';
import { keyUnder } from '#core/applications.ts';
import type { Instant } from '#core/model.ts';
import type { Store } from '#core/ports.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { applicationNumber, approval, TERMS } from './application-specimens.ts';
import { DAY_MS, idOf, keyNumber, operation, reserving } from './specimens.ts';
import type { StoreUnderTest } from './store-under-test.ts';

/** What `Applications` promises. */
export function testApplications(open: () => Promise<StoreUnderTest>): void {
  let subject: StoreUnderTest;
  let store: Store;
  beforeEach(async () => {
    subject = await open();
    store = subject.store;
  });

  test('an application comes back as it was given, by id and by digest, also after a crash', async () => {
    const application = applicationNumber(1, {
      contact: '论坛 @zhang',
      reason: "'; DROP TABLE applications; --",
    });
    expect(await store.applications.add(application, 9)).toBe(true);
    expect(await store.applications.find({ id: application.id })).toEqual(application);
    store = (await subject.crash()).store;
    expect(await store.applications.find({ digest: application.digest })).toEqual(application);
    expect(await store.applications.find({ id: idOf('request', 9) })).toBeUndefined();
    expect(await store.applications.find({ id: 'nonsense' })).toBeUndefined();
    expect(await store.applications.find({ digest: 'f'.repeat(64) })).toBeUndefined();
  });

  test('a taken id or digest is refused, and harms no neighbour', async () => {
    await store.applications.add(applicationNumber(1), 9);
    const answers = await Promise.allSettled([
      store.applications.add(applicationNumber(1, { digest: 'a'.repeat(64) }), 9),
      store.applications.add(applicationNumber(2, { digest: applicationNumber(1).digest }), 9),
      store.applications.add(applicationNumber(3), 9),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect(await store.applications.pending(NOON)).toBe(2);
  });

  test('no more wait than are allowed to, and those that expired do not count', async () => {
    const added = await Promise.all([1, 2, 3].map((n) => store.applications.add(applicationNumber(n), 2)));
    expect(added).toEqual([true, true, false]);
    expect(await store.applications.find({ id: idOf('request', 3) })).toBeUndefined();
    await store.applications.decide(idOf('request', 1), approval(), null);
    expect(await store.applications.add(applicationNumber(4), 2)).toBe(true);
    expect(await store.applications.pending(NOON + 30 * DAY_MS - 1)).toBe(2);
    expect(await store.applications.pending(NOON + 30 * DAY_MS)).toBe(0);
    const late = applicationNumber(5, { madeAt: NOON + 30 * DAY_MS });
    expect(await store.applications.add(late, 1)).toBe(true);
  });

  test('a verdict is kept with its operation, and may be another one until the key is made', async () => {
    await store.applications.add(applicationNumber(1), 9);
    const id = idOf('request', 1);
    const approved = await store.applications.decide(id, approval(), operation('applications.approve', id));
    expect(approved).toEqual({ done: true, application: applicationNumber(1, { verdict: approval() }) });
    store = (await subject.crash()).store;
    expect(await store.applications.find({ id })).toEqual(approved?.application);
    const rejection: Verdict = { kind: 'rejected', at: NOON + 2, by: 'admin@::1', reason: null };
    const rejected = await store.applications.decide(id, rejection, operation('applications.reject', id));
    expect(rejected).toEqual({ done: true, application: applicationNumber(1, { verdict: rejection }) });
    expect(await store.applications.decide(id, approval(), operation('applications.approve', 'x'))).toEqual({
      done: false,
      application: rejected?.application,
    });
    expect(await store.applications.decide(idOf('request', 9), approval(), operation('x'))).toBeUndefined();
    const { items } = await store.operations.list({ limit: 9 });
    expect(items.map(({ action }) => action)).toEqual(['applications.reject', 'applications.approve']);
  });

  test('of many claims at once one gets its key, which works, and the others change nothing', async () => {
    await store.applications.add(applicationNumber(1), 9);
    const id = idOf('request', 1);
    await store.applications.decide(id, approval(), null);
    const keys = [1, 2, 3].map((n) => keyUnder(TERMS, keyNumber(n), NOON + 5));
    const claims = await Promise.all(
      keys.map((key) => store.applications.claim(id, key, NOON + 5, operation('applications.claim', id))),
    );
    expect(claims.map((claim) => claim?.done)).toEqual([true, false, false]);
    const claim = { at: NOON + 5, keyId: idOf('key', 1) };
    for (const each of claims) expect(each?.application.claim).toEqual(claim);
    const [key] = keys;
    if (key === undefined) throw new Error('no key');
    expect((await store.keys.account({ digest: key.digest }))?.key).toEqual(key);
    for (const n of [2, 3]) expect(await store.keys.account({ id: idOf('key', n) })).toBeUndefined();
    expect(await store.ledger.execute(reserving(1, key, { at: NOON + 6, call: calling('a') }))).toMatchObject(
      {
        admitted: true,
      },
    );
    expect((await store.operations.list({ limit: 9 })).items).toHaveLength(1);
    store = (await subject.crash()).store;
    expect((await store.applications.find({ id }))?.claim).toEqual(claim);
    expect((await store.keys.account({ id: claim.keyId }))?.key).toEqual(key);
    expect(await store.applications.decide(id, approval(NOON + 9), null)).toMatchObject({ done: false });
    expect(await subject.problems()).toEqual([]);
  });

  test('nothing is claimed that is not approved, or no more', async () => {
    for (const n of [1, 2, 3]) await store.applications.add(applicationNumber(n), 9);
    const [waiting, rejected, late] = [1, 2, 3].map((n) => idOf('request', n));
    if (waiting === undefined || rejected === undefined || late === undefined) throw new Error('no ids');
    await store.applications.decide(rejected, { kind: 'rejected', at: NOON, by: 'x', reason: 'no' }, null);
    await store.applications.decide(late, approval(), null);
    const claim = (id: string, at: Instant) => store.applications.claim(id, keyNumber(1), at, operation('x'));
    expect(await claim(waiting, NOON)).toMatchObject({ done: false });
    expect(await claim(rejected, NOON)).toMatchObject({ done: false });
    expect(await claim(late, NOON + 30 * DAY_MS)).toMatchObject({ done: false });
    expect(await claim(idOf('request', 9), NOON)).toBeUndefined();
    expect(await store.keys.account({ id: idOf('key', 1) })).toBeUndefined();
    expect((await store.operations.list({ limit: 9 })).items).toEqual([]);
  });

  test('a claim whose key is there already leaves all as it was', async () => {
    await store.applications.add(applicationNumber(1), 9);
    const id = idOf('request', 1);
    await store.applications.decide(id, approval(), null);
    await store.keys.add(keyNumber(1), null);
    await expect(store.applications.claim(id, keyNumber(1), NOON, operation('x'))).rejects.toThrow();
    expect((await store.applications.find({ id }))?.claim).toBeNull();
    expect((await store.operations.list({ limit: 9 })).items).toEqual([]);
    expect(await store.applications.claim(id, keyNumber(2), NOON, null)).toMatchObject({ done: true });
  });

  test('forgets those that ended before an instant, oldest first and a few at a time, also after a crash', async () => {
    const made = (n: number, madeAt = NOON) => store.applications.add(applicationNumber(n, { madeAt }), 99);
    for (const n of [1, 2, 3, 4, 5]) await made(n);
    await made(6, NOON + 8 * DAY_MS);
    const [rejected, approved, claimed] = [1, 2, 3].map((n) => idOf('request', n)) as [
      string,
      string,
      string,
    ];
    await store.applications.decide(
      rejected,
      { kind: 'rejected', at: NOON + DAY_MS, by: 'x', reason: null },
      operation('applications.reject', rejected),
    );
    for (const id of [approved, claimed]) await store.applications.decide(id, approval(NOON + 1), null);
    await store.applications.claim(
      claimed,
      keyNumber(1),
      NOON + DAY_MS,
      operation('applications.claim', claimed),
    );
    const forget = (before: Instant, after: string | null = null) =>
      store.applications.forget({ before, after, lookMax: 2 });
    const names = async () =>
      (await store.applications.list({ at: NOON, limit: 9 })).items.map(({ name }) => name);

    expect(await forget(NOON)).toBeNull();
    expect(await names()).toHaveLength(6);
    const before = NOON + DAY_MS + 1;
    expect(await forget(before)).toBe(approved);
    expect(await names()).toEqual(['n6', 'n5', 'n4', 'n3', 'n2']);
    expect(await forget(before, approved)).toBe(idOf('request', 4));
    // The fifth is the last that may be old enough.
    expect(await forget(before, idOf('request', 4))).toBeNull();
    expect(await names()).toEqual(['n6', 'n5', 'n4', 'n2']);
    for (const after of [null, approved]) await forget(NOON + 30 * DAY_MS + 1, after);
    store = (await subject.crash()).store;
    expect(await names()).toEqual(['n6', 'n2']);
    // What was made of it, and what was decided, stay.
    expect(await store.keys.account({ id: idOf('key', 1) })).toBeDefined();
    const { items } = await store.operations.list({ limit: 9 });
    expect(items.map(({ target }) => target)).toEqual([claimed, rejected]);
    expect(await store.applications.find({ id: claimed })).toBeUndefined();
    expect(await store.applications.claim(claimed, keyNumber(2), NOON, null)).toBeUndefined();
    expect(await subject.problems()).toEqual([]);
  });

  test('lists newest first, in pages, and by status', async () => {
    for (const n of [1, 2, 3, 4]) await store.applications.add(applicationNumber(n), 9);
    await store.applications.decide(idOf('request', 2), approval(), null);
    await store.applications.decide(
      idOf('request', 3),
      { ...approval(), terms: { ...TERMS, expiry: GONE } },
      null,
    );
    const listed = async (query: object) => {
      const page = await store.applications.list({ at: NOON + 1, limit: 10, ...query });
      return { names: page.items.map(({ name }) => name), more: page.more };
    };
    expect(await listed({})).toEqual({ names: ['n4', 'n3', 'n2', 'n1'], more: false });
    expect(await listed({ limit: 2 })).toEqual({ names: ['n4', 'n3'], more: true });
    expect(await listed({ limit: 2, after: idOf('request', 3) })).toEqual({
      names: ['n2', 'n1'],
      more: false,
    });
    expect(await listed({ status: 'pending', limit: 1 })).toEqual({ names: ['n4'], more: true });
    expect(await listed({ status: 'approved' })).toEqual({ names: ['n2'], more: false });
    expect(await listed({ status: 'expired' })).toEqual({ names: ['n3'], more: false });
    expect(await listed({ status: 'claimed' })).toEqual({ names: [], more: false });
  });
}

const GONE = { kind: 'at', at: NOON + 1 } as const;

function calling(model: string) {
  return { ...reserving(1, keyNumber(1)).call, model };
}
