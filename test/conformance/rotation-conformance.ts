import { beforeEach, expect, test } from 'vitest';
import type { ApiKey, Digest } from '#core/model.ts';
import type { Store } from '#core/ports.ts';
import { NOON } from '#test/fakes/accounts.ts';
import {
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

const KEY = keyNumber(1, { quotas: requestsADay(9) });
const GRACE_MS = 60_000;
const UNKNOWN = { kind: 'unknown_key' };

/** What `KeyRegistry.rotate` promises. */
export function testRotation(open: () => Promise<StoreUnderTest>): void {
  let subject: StoreUnderTest;
  let store: Store;
  let requests: number;
  beforeEach(async () => {
    subject = await open();
    store = subject.store;
    requests = 0;
    await store.keys.add(KEY, null);
  });

  const rotate = (n: number, graceMs: number, at = NOON) =>
    store.keys.rotate(KEY.id, rotation(n, graceMs, at), operation('keys.rotate', KEY.id));

  /** What a request with this secret is denied for; `undefined` if it is admitted, and settled. */
  async function denied(digest: Digest, at: number): Promise<object | undefined> {
    requests += 1;
    const answer = await store.ledger.execute(reserving(requests, { ...KEY, digest }, { at }));
    if (!answer.admitted) return answer.denial;
    await store.ledger.execute(settling(requests, KEY, usageOf(1, 1), { at }));
    return undefined;
  }
  const digestOf = (n: number) => rotation(n, 0).digest;

  test('the new secret works at once, the old one until its grace ends, and both count for one key', async () => {
    expect(await denied(KEY.digest, NOON)).toBeUndefined();
    const key = await rotate(1, GRACE_MS);
    const previous = { digest: KEY.digest, hint: KEY.hint, endsAt: NOON + GRACE_MS };
    expect(key).toEqual({ ...KEY, digest: digestOf(1), hint: rotation(1, 0).hint, previous });
    expect(await denied(digestOf(1), NOON)).toBeUndefined();
    expect(await denied(KEY.digest, NOON + GRACE_MS - 1)).toBeUndefined();
    expect(await denied(KEY.digest, NOON + GRACE_MS)).toEqual(UNKNOWN);
    expect(await denied(digestOf(1), NOON + GRACE_MS)).toBeUndefined();
    const account = await store.keys.account({ id: KEY.id });
    expect(account?.key).toEqual(key);
    expect(account?.buckets.map(({ used }) => used.requests)).toEqual([1, 4, 4, 4, 4]);
    expect(await store.keys.account({ digest: KEY.digest })).toEqual(account);
    expect((await store.operations.list({ limit: 9 })).items).toMatchObject([{ action: 'keys.rotate' }]);
    expect(await subject.problems()).toEqual([]);
  });

  test('without a grace the old secret stops with the very next request', async () => {
    expect(await denied(KEY.digest, NOON)).toBeUndefined();
    const [, found, old, fresh] = await Promise.all([
      rotate(1, 0),
      store.keys.account({ digest: KEY.digest }),
      denied(KEY.digest, NOON),
      denied(digestOf(1), NOON),
    ]);
    expect([found, old, fresh]).toEqual([undefined, UNKNOWN, undefined]);
    expect(await store.keys.account({ digest: KEY.digest })).toBeUndefined();
  });

  test('a rotation in a grace ends it: one old secret works at most, for as long as the last rotation said', async () => {
    await rotate(1, 100 * GRACE_MS);
    await rotate(2, GRACE_MS, NOON + 1);
    expect(await denied(KEY.digest, NOON + 2)).toEqual(UNKNOWN);
    expect(await denied(digestOf(1), NOON + GRACE_MS)).toBeUndefined();
    expect(await denied(digestOf(1), NOON + GRACE_MS + 1)).toEqual(UNKNOWN);
    await rotate(3, 0, NOON + 2);
    expect(await denied(digestOf(2), NOON + 2)).toEqual(UNKNOWN);
    expect(await denied(digestOf(3), NOON + 2)).toBeUndefined();
  });

  test('it survives a crash', async () => {
    await denied(KEY.digest, NOON);
    const key = await rotate(1, GRACE_MS);
    subject = await subject.crash();
    store = subject.store;
    expect((await store.keys.account({ digest: KEY.digest }))?.key).toEqual(key);
    expect(await denied(KEY.digest, NOON + 1)).toBeUndefined();
    expect(await denied(digestOf(1), NOON + 1)).toBeUndefined();
    expect(await denied(KEY.digest, NOON + GRACE_MS)).toEqual(UNKNOWN);
  });

  test('a secret that opens another key, or did, is refused, and so is a key that is gone', async () => {
    const other: ApiKey = keyNumber(2);
    await store.keys.add(other, null);
    await rotate(1, GRACE_MS);
    const log = operation('keys.rotate', other.id);
    for (const digest of [KEY.digest, digestOf(1), other.digest]) {
      await expect(store.keys.rotate(other.id, { ...rotation(2, 0), digest }, log)).rejects.toThrow();
    }
    await expect(store.keys.add(keyNumber(3, { digest: KEY.digest }), null)).rejects.toThrow();
    expect(await store.keys.bringIn(keyNumber(4, { digest: KEY.digest }), [pastUse(0, 1)], NOON, null)).toBe(
      false,
    );
    await store.keys.amend(other.id, { at: NOON, deletedAt: NOON }, null);
    expect(await store.keys.rotate(other.id, rotation(3, 0), log)).toBeUndefined();
    expect(await store.keys.rotate(keyNumber(9).id, rotation(3, 0), log)).toBeUndefined();
    expect((await store.operations.list({ limit: 9 })).items).toHaveLength(1);
  });
}
