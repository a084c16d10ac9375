import { afterEach, beforeEach, expect, test } from 'vitest';
import { isWellFormed } from '#core/secret.ts';
import { type AdminUnderTest, openAdmin } from '#test/fakes/admin.ts';

let under: AdminUnderTest;
let now: number;
beforeEach(async () => {
  under = await openAdmin();
  now = under.proxy.clock.now;
});
afterEach(() => under.proxy.close());

const statusOf = async (secret: string) => {
  const reply = await under.proxy.chat(secret);
  await reply.text();
  await under.proxy.settled();
  return reply.status;
};
const quotaStatusOf = async (secret: string) =>
  (await under.proxy.fetch('/v1/quota', { headers: { authorization: `Bearer ${secret}` } })).status;
const hintOf = (secret: string) => `${secret.slice(0, 7)}…${secret.slice(-4)}`;

test('a rotated key has a new secret, shown once, and everything else as it was', async () => {
  const made = await under.admin.keys.create({ body: { label: 'Ada', daily_limit: 3 } });
  expect(await statusOf(made.key)).toBe(200);
  const rotated = await under.admin.keys.rotate({ params: { key: made.id }, body: { grace_seconds: 60 } });
  expect(isWellFormed(rotated.key)).toBe(true);
  expect(rotated.key).not.toBe(made.key);
  const previous_key = { key: hintOf(made.key), ends_at: now + 60_000 };
  expect(rotated).toMatchObject({ id: made.id, label: 'Ada', quotas: [{ used: 1 }], previous_key });
  const shown = await under.admin.keys.get({ params: { key: made.id } });
  expect(shown).toEqual({ ...rotated, key: hintOf(rotated.key) });
  expect(await under.admin.keys.get({ params: { key: made.key } })).toEqual(shown);

  expect([await statusOf(made.key), await statusOf(rotated.key)]).toEqual([200, 200]);
  under.proxy.clock.now = now + 59_999;
  expect(await quotaStatusOf(made.key)).toBe(200);
  under.proxy.clock.now = now + 60_000;
  expect([await quotaStatusOf(made.key), await statusOf(made.key)]).toEqual([401, 401]);
  expect(await under.admin.keys.get({ params: { key: made.id } })).toMatchObject({
    previous_key: null,
    quotas: [{ used: 3 }],
  });
  expect(await statusOf(rotated.key)).toBe(429);
});

test('if nothing is said, the old secret stops at once', async () => {
  const { id, key } = await under.admin.keys.create();
  const rotated = await under.admin.keys.rotate({ params: { key: id } });
  expect(rotated.previous_key).toBeNull();
  expect([await statusOf(key), await statusOf(rotated.key)]).toEqual([401, 200]);
});

test('is in the operation log, without the secret', async () => {
  const { id } = await under.admin.keys.create();
  const { key } = await under.admin.keys.rotate({ params: { key: id }, body: { grace_seconds: 5 } });
  const { items } = await under.admin.operations.list();
  expect(items[0]).toMatchObject({ action: 'keys.rotate', target: id, details: { grace_seconds: 5 } });
  expect(JSON.stringify(items)).not.toContain(key);
});

test.each([{ grace_seconds: -1 }, { grace_seconds: 2_592_001 }, { grace_seconds: '5' }, { grace: 5 }])(
  '%j is refused',
  async (body) => {
    const { id } = await under.admin.keys.create();
    expect((await under.ask('POST', `/admin/keys/${id}/rotate`, body)).error?.code).toBe('invalid_body');
  },
);

test('of a key that never was, or is deleted, is 404', async () => {
  const { id } = await under.admin.keys.create();
  await under.admin.keys.delete({ params: { key: id } });
  for (const key of [id, 'unknown'])
    expect((await under.ask('POST', `/admin/keys/${key}/rotate`)).error?.code).toBe('key_not_found');
});
