import { afterEach, beforeEach, expect, test } from 'vitest';
import { formSecret, SECRET_RANDOM_BYTES } from '#core/secret.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { type AdminUnderTest, openAdmin } from '#test/fakes/admin.ts';

const SECRET = `sk-${'a1B2'.repeat(12)}`;
const DAY = {
  day: '2026-11-24',
  requests: 2,
  errors: 1,
  prompt_tokens: 10,
  completion_tokens: 5,
  cost_micros: 7,
};
const KEY = {
  secret: SECRET,
  label: 'Ada',
  created_at: Date.UTC(2025, 0, 2),
  expires_at: NOON + 1000,
  quotas: [{ meter: 'requests', period: 'day', limit: 3 } as const],
  metadata: { imported_from: 'one-api' },
  usage: [{ day: '2026-10-31', requests: 40 }, DAY],
};

let under: AdminUnderTest;
beforeEach(async () => {
  under = await openAdmin();
});
afterEach(() => under.proxy.close());

const bringIn = (...keys: object[]) => under.admin.keys.import({ body: { keys: keys as [typeof KEY] } });
const outcomesOf = async (...keys: object[]) => (await bringIn(...keys)).outcomes;

test('a key comes in with what it may, what it used, and where it came from', async () => {
  const [outcome] = await outcomesOf(KEY);
  expect(outcome).toEqual({ key: 'sk-a1B2…a1B2', id: expect.any(String), status: 'imported', reason: null });
  const key = await under.admin.keys.get({ params: { key: SECRET } });
  expect(key).toMatchObject({
    id: outcome?.id,
    key: 'sk-a1B2…a1B2',
    label: 'Ada',
    created_at: KEY.created_at,
    expires_at: KEY.expires_at,
    status: 'active',
    quotas: [{ limit: 3, used: 2 }],
    metadata: { imported_from: 'one-api' },
  });
  const { items } = await under.admin.usage.read({ query: { group_by: 'key_model' } });
  expect(items).toMatchObject([
    {
      day: '2026-11-24',
      model: '(imported)',
      req_count: 2,
      success_count: 1,
      error_count: 1,
      cost_micros: 7,
    },
    { day: '2026-10-31', model: '(imported)', req_count: 40, success_count: 40, error_count: 0 },
  ]);
});

test('it works: one request is left of the three, and then none', async () => {
  await bringIn(KEY);
  expect((await under.proxy.chat(SECRET)).status).toBe(200);
  expect((await under.proxy.chat(SECRET)).status).toBe(429);
});

test('twice is once, also in one batch', async () => {
  const first = await outcomesOf(KEY, KEY);
  expect(first.map(({ status }) => status)).toEqual(['imported', 'exists']);
  expect(await outcomesOf({ ...KEY, label: 'another' })).toEqual([
    { key: 'sk-a1B2…a1B2', id: first[0]?.id, status: 'exists', reason: null },
  ]);
  expect((await under.admin.usage.read()).totals).toMatchObject({ req_count: 42 });
  expect((await under.admin.keys.list()).items).toMatchObject([{ label: 'Ada' }]);
});

test('a dry run says what would be, and changes nothing', async () => {
  await bringIn(KEY);
  const other = { ...KEY, secret: 'trial-0197b2a0-1111' };
  const { outcomes, today, time_zone, priced_models } = await under.admin.keys.import({
    body: { keys: [KEY, other, { ...other, secret: 'short' }], dry_run: true },
  });
  expect(outcomes.map(({ status }) => status)).toEqual(['exists', 'importable', 'refused']);
  expect({ today, time_zone, priced_models }).toEqual({
    today: '2026-11-24',
    time_zone: 'UTC',
    priced_models: [],
  });
  expect((await under.admin.keys.list()).items).toHaveLength(1);
});

test.each([
  { name: 'too short', change: { secret: 'short' }, says: '16 to 200' },
  { name: 'like ours, mistyped', change: { secret: `sk-${'a'.repeat(39)}` }, says: 'wrong checksum' },
  { name: 'used tomorrow', change: { usage: [{ ...DAY, day: '2026-11-25' }] }, says: 'today is 2026-11-24' },
])('one that cannot come in does not keep others out: $name', async ({ change, says }) => {
  const other = { ...KEY, secret: 'trial-0197b2a0-1111' };
  const outcomes = await outcomesOf({ ...KEY, ...change }, other);
  expect(outcomes.map(({ status }) => status)).toEqual(['refused', 'imported']);
  expect(outcomes[0]?.reason).toContain(says);
});

test('a key of another quota-proxy comes in as it is', async () => {
  const secret = formSecret('qp-', new Uint8Array(SECRET_RANDOM_BYTES));
  expect(await outcomesOf({ ...KEY, secret })).toMatchObject([{ status: 'imported' }]);
});

test('without quotas it gets those of a new key; an empty list is none', async () => {
  const { quotas: _, ...rest } = KEY;
  await bringIn(
    { ...rest, secret: 'trial-of-the-default' },
    { ...KEY, secret: 'trial-without-quotas', quotas: [] },
  );
  const { items } = await under.admin.keys.list();
  expect(items.map(({ quotas }) => quotas.map(({ limit }) => limit))).toEqual([[], [200]]);
});

test('each is in the operation log, and no secret is: there, in errors or in what is stored', async () => {
  await bringIn(KEY);
  const failed = await under.ask('POST', '/admin/keys/import', {
    keys: [{ ...KEY, label: 7, [SECRET]: 1, usage: [{ ...DAY, requests: -1 }] }],
  });
  expect(failed.status).toBe(400);
  expect(failed.error?.message).toContain('keys[0].usage[0].requests must be at least 0');
  const [operation] = (await under.admin.operations.list()).items;
  expect(operation).toMatchObject({
    action: 'keys.import',
    actor: 'admin@203.0.113.7',
    details: { label: 'Ada', days: 2, requests: 42, tokens: 15, cost_micros: 7 },
  });
  const { items } = await under.admin.keys.list();
  expect(JSON.stringify([operation, items, under.proxy.log, under.proxy.failures])).not.toContain(
    SECRET.slice(7, -4),
  );
});
