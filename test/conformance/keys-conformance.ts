import { beforeEach, expect, test } from 'vitest';
import type { Store } from '#core/ports.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { idOf, keyNumber, operation, requestsADay, reserving } from './specimens.ts';
import type { StoreUnderTest } from './store-under-test.ts';

/** What `KeyRegistry` and `OperationLog` promise. */
export function testKeys(open: () => Promise<StoreUnderTest>): void {
  let subject: StoreUnderTest;
  let store: Store;
  beforeEach(async () => {
    subject = await open();
    store = subject.store;
  });

  test('a key comes back as it was given, by id and by digest, also after a crash', async () => {
    const key = keyNumber(1, {
      label: '一把钥匙',
      expiresAt: NOON + 1,
      quotas: [{ meter: 'cost', period: 'month', limit: 5_000_000 }],
      models: ['a', 'b'],
      ips: ['203.0.113.0/24', '2001:db8::/32'],
      requestsPerMinute: null,
      maxConcurrency: 3,
      metadata: { forum: 'neo' },
    });
    await store.keys.add(key, operation('keys.create', key.id));
    expect((await store.keys.account({ id: key.id }))?.key).toEqual(key);
    store = (await subject.crash()).store;
    expect((await store.keys.account({ digest: key.digest }))?.key).toEqual(key);
    expect(await store.keys.account({ id: idOf('key', 9) })).toBeUndefined();
    expect(await store.keys.account({ id: 'nonsense' })).toBeUndefined();
    expect(await store.keys.account({ digest: 'f'.repeat(64) })).toBeUndefined();
  });

  test('a taken id or digest is refused without its operation, and harms no neighbour', async () => {
    const key = keyNumber(1);
    await store.keys.add(key, null);
    const answers = await Promise.allSettled([
      store.keys.add(keyNumber(1, { digest: 'a'.repeat(64) }), operation('keys.create', 'twin')),
      store.keys.add(keyNumber(2, { digest: key.digest }), operation('keys.create', 'twin')),
      store.keys.add(keyNumber(3), operation('keys.create', 'third')),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    const { items } = await store.operations.list({ limit: 10 });
    expect(items.map(({ target }) => target)).toEqual(['third']);
    expect(await store.keys.account({ id: idOf('key', 2) })).toBeUndefined();
    expect((await store.keys.account({ id: key.id }))?.key).toEqual(key);
  });

  test('an amendment changes what it names, and the very next request meets it', async () => {
    const key = keyNumber(1, { label: 'before' });
    await store.keys.add(key, null);
    await store.ledger.execute(reserving(1, key));
    const [amended, refusal] = await Promise.all([
      store.keys.amend(key.id, { at: NOON + 5, quotas: requestsADay(1) }, operation('keys.patch', key.id)),
      store.ledger.execute(reserving(2, key)),
    ]);
    expect(amended).toEqual({ ...key, quotas: requestsADay(1), quotasSetAt: NOON + 5 });
    expect(refusal).toMatchObject({ denial: { kind: 'quota_exceeded', standing: { held: 1 } } });
    const relabelled = await store.keys.amend(
      key.id,
      { at: NOON + 6, label: 'after', expiresAt: NOON },
      null,
    );
    expect(relabelled).toMatchObject({ label: 'after', expiresAt: NOON, quotasSetAt: NOON + 5 });
    expect((await store.keys.account({ id: key.id }))?.key).toEqual(relabelled);
  });

  test('a deleted key stays readable, and nothing more is recorded of it', async () => {
    const key = keyNumber(1);
    await store.keys.add(key, null);
    await store.ledger.execute(reserving(1, key));
    await store.keys.amend(key.id, { at: NOON, deletedAt: NOON }, operation('keys.delete', key.id));
    expect(await store.keys.amend(key.id, { at: NOON, label: 'x' }, operation('keys.patch'))).toBeUndefined();
    expect(
      await store.keys.amend(idOf('key', 9), { at: NOON, label: 'x' }, operation('keys.patch')),
    ).toBeUndefined();
    expect(await store.keys.account({ id: key.id })).toMatchObject({ key: { deletedAt: NOON }, open: [{}] });
    expect((await store.operations.list({ limit: 9 })).items.map(({ action }) => action)).toEqual([
      'keys.delete',
    ]);
  });

  test('lists newest first, in pages, by status and by text', async () => {
    const keys = [
      keyNumber(1, { label: 'Älteste' }),
      keyNumber(2, { disabled: true }),
      keyNumber(3, { expiresAt: NOON }),
      keyNumber(4, { deletedAt: NOON }),
      keyNumber(5),
    ];
    for (const key of keys) await store.keys.add(key, null);
    await store.ledger.execute(reserving(1, keyNumber(5)));
    const listed = async (query: object) => {
      const page = await store.keys.list({ at: NOON, limit: 10, ...query });
      return { ids: page.items.map(({ key }) => Number(key.label.at(-1)) || 1), more: page.more };
    };
    expect(await listed({})).toEqual({ ids: [5, 3, 2, 1], more: false });
    expect(await listed({ limit: 2 })).toEqual({ ids: [5, 3], more: true });
    expect(await listed({ limit: 2, after: idOf('key', 3) })).toEqual({ ids: [2, 1], more: false });
    for (const [status, ids] of Object.entries({
      active: [5, 1],
      disabled: [2],
      expired: [3],
      deleted: [4],
    })) {
      expect(await listed({ status })).toEqual({ ids, more: false });
    }
    expect(await listed({ text: 'äLTES' })).toEqual({ ids: [1], more: false });
    expect(await listed({ text: 'SK-2' })).toEqual({ ids: [2], more: false });
    const [newest] = (await store.keys.list({ at: NOON, limit: 1 })).items;
    expect(newest?.open).toHaveLength(1);
  });

  test('the sponsor’s quotas are kept, with their instant and their operation', async () => {
    expect(await store.keys.sponsor()).toMatchObject({ quotas: [], quotasSetAt: 0, latestAt: 0 });
    const set = await store.keys.setSponsorQuotas(requestsADay(7), NOON, operation('sponsor.set', 'sponsor'));
    expect(set).toMatchObject({ quotas: requestsADay(7), quotasSetAt: NOON });
    store = (await subject.crash()).store;
    expect(await store.keys.sponsor()).toEqual(set);
    expect((await store.operations.list({ limit: 9 })).items).toHaveLength(1);
  });

  test('operations are chained, and listed newest first in pages', async () => {
    expect(await store.operations.verify()).toEqual({ count: 0, brokenAt: null });
    for (const n of [1, 2, 3])
      await store.operations.append(operation(n === 2 ? 'keys.patch' : 'keys.create', `k${n}`));
    const first = await store.operations.list({ limit: 2 });
    expect(first).toMatchObject({ items: [{ n: 3 }, { n: 2 }], more: true });
    expect(first.items[0]).toMatchObject({
      ...operation('keys.create', 'k3'),
      previousHash: first.items[1]?.hash,
    });
    expect(await store.operations.list({ limit: 2, after: 2 })).toMatchObject({
      items: [{ n: 1 }],
      more: false,
    });
    expect(
      (await store.operations.list({ limit: 9, action: 'keys.create' })).items.map(({ n }) => n),
    ).toEqual([3, 1]);
    expect((await store.operations.list({ limit: 9, target: 'k2' })).items.map(({ n }) => n)).toEqual([2]);
    expect(await store.operations.verify()).toEqual({ count: 3, brokenAt: null });
  });

  test('operations are found by who did them and when', async () => {
    const done = [
      { ...operation('keys.create', 'k1', NOON), actor: 'schedule' },
      operation('keys.create', 'k2', NOON + 1),
      operation('keys.patch', 'k1', NOON + 2),
    ];
    for (const each of done) await store.operations.append(each);
    const found = async (query: object) =>
      (await store.operations.list({ limit: 9, ...query })).items.map(({ n }) => n);
    expect(await found({ actor: 'schedule' })).toEqual([1]);
    expect(await found({ from: NOON + 1 })).toEqual([3, 2]);
    expect(await found({ to: NOON + 2 })).toEqual([2, 1]);
    expect(await found({ from: NOON + 1, to: NOON + 2 })).toEqual([2]);
    expect(await found({ target: 'k1', to: NOON + 1, actor: 'schedule' })).toEqual([1]);
    expect(await found({ target: 'k1', actor: 'nobody' })).toEqual([]);
  });
}
