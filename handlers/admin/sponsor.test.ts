import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AdminUnderTest, openAdmin } from '#test/fakes/admin.ts';

let under: AdminUnderTest;
beforeEach(async () => {
  under = await openAdmin();
});
afterEach(() => under.proxy.close());

test('has no quotas until they are set, and then what all keys used counts', async () => {
  const { admin, proxy } = under;
  expect(await admin.sponsor.get()).toEqual({ quotas: [] });
  const quota = { meter: 'requests', period: 'total', limit: 1 } as const;
  expect(await admin.sponsor.put({ body: { quotas: [quota] } })).toEqual({
    quotas: [{ ...quota, used: 0, held: 0, resets_at: null }],
  });
  const [ada, bob] = [await admin.keys.create(), await admin.keys.create()];
  expect((await proxy.chat(ada.key)).status).toBe(200);
  await proxy.settled();
  expect((await proxy.chat(bob.key)).status).toBe(429);
  expect(await admin.sponsor.get()).toMatchObject({ quotas: [{ used: 1 }] });
});

test.each([
  ['nothing', {}, 'quotas'],
  ['null', { quotas: null }, 'quotas'],
  ['no limit', { quotas: [{ meter: 'cost', period: 'day' }] }, 'quotas[0].limit'],
  ['more', { quotas: [], daily_limit: 1 }, 'daily_limit'],
])('%s is refused', async (_, body, param) => {
  expect((await under.ask('PUT', '/admin/sponsor', body)).error).toMatchObject({
    code: 'invalid_body',
    param,
  });
});
