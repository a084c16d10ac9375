import { beforeEach, expect, test } from 'vitest';
import { type Change, KEPT_MS, type KeptReply } from '#core/kept-reply.ts';
import type { Store } from '#core/ports.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { applicationNumber, approval } from './application-specimens.ts';
import {
  idOf,
  keyNumber,
  operation,
  pastUse,
  requestsADay,
  reserving,
  rotation,
  settling,
  usageOf,
} from './specimens.ts';
import type { StoreUnderTest } from './store-under-test.ts';

function reply(n: number, at = NOON): KeptReply {
  const digest = n.toString(16).padStart(64, '0');
  return { digest, request: digest.replace('0', 'f'), at, sealed: btoa(`answer ${n}`) };
}

/** One of each kind, about key `n` and one that is brought in. */
function changesAbout(n: number): readonly Change[] {
  const key = keyNumber(n);
  const [id, foreign] = [key.id, keyNumber(n + 1)];
  return [
    { kind: 'add_key', key, operation: operation('keys.create', id) },
    { kind: 'bring_in', key: foreign, history: [pastUse(NOON, 9)], at: NOON, operation: null },
    {
      kind: 'amend_key',
      id,
      amendment: { at: NOON, label: 'amended' },
      operation: operation('keys.patch', id),
    },
    { kind: 'rotate_key', id, rotation: rotation(n, 1000), operation: null },
    { kind: 'set_sponsor_quotas', quotas: requestsADay(7), at: NOON, operation: null },
    { kind: 'append', operation: operation('usage.reset', id) },
    { kind: 'execute', command: { kind: 'reset', at: NOON, keyId: id } },
  ];
}

/** What `KeptReplies` promises. */
export function testReplies(open: () => Promise<StoreUnderTest>): void {
  let subject: StoreUnderTest;
  let store: Store;
  beforeEach(async () => {
    subject = await open();
    store = subject.store;
  });

  const state = async () => ({
    keys: (await store.keys.list({ at: NOON, limit: 9 })).items,
    sponsor: await store.keys.sponsor(),
    operations: (await store.operations.list({ limit: 9 })).items,
    entries: (await store.health.status()).entries,
  });

  test('an answer is recorded with all changes that it tells of, and survives a crash with them', async () => {
    const recording = { changes: changesAbout(1), version: await store.replies.version(), reply: reply(1) };
    expect(await store.replies.record(recording)).toBe(true);
    subject = await subject.crash();
    store = subject.store;
    expect(await store.replies.find(reply(1).digest, NOON)).toEqual(reply(1));
    const { keys, sponsor, operations } = await state();
    expect(keys.map(({ key }) => key.label)).toEqual(['key 2', 'amended']);
    expect(keys[1]?.key).toMatchObject({ digest: rotation(1, 0).digest, previous: { endsAt: NOON + 1000 } });
    expect(keys[0]?.buckets.at(-1)?.used.tokens).toBe(9);
    expect(sponsor.quotas).toEqual(requestsADay(7));
    expect(operations.map(({ action }) => action)).toEqual(['usage.reset', 'keys.patch', 'keys.create']);
    expect(await subject.problems()).toEqual([]);
  });

  test('a verdict is recorded with the answer that tells of it, and survives a crash with it; or neither is', async () => {
    const { id } = applicationNumber(1);
    await store.applications.add(applicationNumber(1), 9);
    const decided = operation('applications.approve', id);
    const verdict: Change = { kind: 'decide_application', id, verdict: approval(), operation: decided };
    const taken: Change = { kind: 'add_key', key: keyNumber(8), operation: null };
    await store.keys.add(keyNumber(8), null);
    const version = await store.replies.version();
    const impossible = { changes: [verdict, taken], version, reply: reply(1) };
    await expect(store.replies.record(impossible)).rejects.toThrow();
    subject = await subject.crash();
    store = subject.store;
    expect(await store.applications.find({ id })).toEqual(applicationNumber(1));
    expect(await store.replies.find(reply(1).digest, NOON)).toBeUndefined();
    expect((await state()).operations).toEqual([]);
    const recording = { changes: [verdict], version: await store.replies.version(), reply: reply(1) };
    expect(await store.replies.record(recording)).toBe(true);
    subject = await subject.crash();
    store = subject.store;
    expect(await store.applications.find({ id })).toEqual(applicationNumber(1, { verdict: approval() }));
    expect(await store.replies.find(reply(1).digest, NOON)).toEqual(reply(1));
    expect((await state()).operations).toMatchObject([decided]);
    expect(await subject.problems()).toEqual([]);
  });

  test('if one change cannot be, none is, and neighbours are not harmed', async () => {
    await store.keys.add(keyNumber(8), null);
    await store.ledger.execute(reserving(1, keyNumber(8)));
    const before = await state();
    const taken: Change = { kind: 'add_key', key: keyNumber(8), operation: null };
    const [, failed] = await Promise.allSettled([
      store.ledger.execute(settling(1, keyNumber(8), usageOf(1, 1))),
      store.replies.record({ changes: [...changesAbout(1), taken], version: null, reply: reply(1) }),
      store.operations.append(operation('test')),
    ]);
    expect(failed?.status).toBe('rejected');
    expect(await store.replies.find(reply(1).digest, NOON)).toBeUndefined();
    const after = await state();
    expect(after.keys.map(({ key }) => key)).toEqual(before.keys.map(({ key }) => key));
    expect(after.sponsor.quotas).toEqual(before.sponsor.quotas);
    expect(after.operations.map(({ action }) => action)).toEqual(['test']);
    expect(after.entries).toBe(2);
    await store.keys.add(keyNumber(1), null);
    expect(await subject.problems()).toEqual([]);
  });

  test('the version is another one after each change to the registry, and no other; what was made for an old one is not recorded', async () => {
    const key = keyNumber(1);
    const { keys, applications, ledger, replies } = store;
    const { id } = applicationNumber(1);
    const version = await replies.version();
    const seen = [version];
    for (const change of [
      () => keys.add(key, null),
      () => keys.bringIn(keyNumber(2), [], NOON, null),
      () => keys.amend(key.id, { at: NOON, label: 'x' }, null),
      () => keys.rotate(key.id, rotation(1, 0), null),
      () => keys.setSponsorQuotas([], NOON, null),
      () => applications.add(applicationNumber(1), 9),
      () => applications.decide(id, approval(), null),
      () => applications.claim(id, keyNumber(3), NOON, null),
    ]) {
      await change();
      seen.push(await replies.version());
    }
    expect(new Set(seen).size).toBe(9);
    await ledger.execute(reserving(1, key, { digest: rotation(1, 0).digest }));
    await keys.bringIn(keyNumber(2), [], NOON, null);
    await applications.decide(id, approval(), null);
    await keys.amend(idOf('key', 9), { at: NOON, label: 'x' }, null);
    expect(await replies.version()).toBe(seen.at(-1));
    expect(await replies.record({ changes: changesAbout(5), version, reply: reply(1) })).toBe(false);
    expect(await replies.find(reply(1).digest, NOON)).toBeUndefined();
    expect(await keys.account({ id: keyNumber(5).id })).toBeUndefined();
    expect(await replies.record({ changes: [], version: null, reply: reply(1) })).toBe(true);
  });

  test('an answer is kept for a day, then another one may take its place, and old ones are forgotten', async () => {
    const { replies } = store;
    const keep = (kept: KeptReply) => replies.record({ changes: [], version: null, reply: kept });
    await keep(reply(1));
    await keep(reply(2, NOON + 1));
    expect(await replies.find(reply(1).digest, NOON + KEPT_MS - 1)).toEqual(reply(1));
    expect(await replies.find(reply(1).digest, NOON + KEPT_MS)).toBeUndefined();
    expect(await replies.find(reply(3).digest, NOON)).toBeUndefined();
    await keep({ ...reply(1, NOON + KEPT_MS), sealed: btoa('another') });
    expect(await replies.find(reply(1).digest, NOON + KEPT_MS)).toMatchObject({ sealed: btoa('another') });
    await replies.forget(NOON + KEPT_MS + 1);
    expect(await replies.find(reply(2).digest, NOON)).toBeUndefined();
    expect(await replies.find(reply(1).digest, NOON)).toMatchObject({ sealed: btoa('another') });
  });
}
