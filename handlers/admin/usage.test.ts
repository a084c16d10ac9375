import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AdminUnderTest, openAdmin } from '#test/fakes/admin.ts';

const DAY_MS = 86_400_000;
const NO_COUNTS = {
  req_count: 0,
  success_count: 0,
  error_count: 0,
  rejected_count: 0,
  prompt_tokens: 0,
  completion_tokens: 0,
  cached_tokens: 0,
  cost_micros: 0,
};
const ONE = { ...NO_COUNTS, req_count: 1, success_count: 1, prompt_tokens: 10, completion_tokens: 5 };

let under: AdminUnderTest;
beforeEach(async () => {
  under = await openAdmin();
});
afterEach(() => under.proxy.close());

async function use(secret: string, times = 1, model = 'demo') {
  for (let n = 0; n < times; n += 1) await (await under.proxy.chat(secret, { model })).text();
  await under.proxy.settled();
}

test('of an empty ledger has no items and zero totals', async () => {
  expect(await under.admin.usage.read()).toEqual({
    day: null,
    mode: 'sqlite',
    items: [],
    totals: NO_COUNTS,
    next_cursor: null,
  });
  const { day, items } = await under.admin.usage.read({ query: { day: '2026-11-24' } });
  expect({ day, items }).toEqual({ day: '2026-11-24', items: [] });
});

test('is told by day and key, newest first', async () => {
  const ada = await under.admin.keys.create({ body: { label: 'Ada' } });
  const bob = await under.admin.keys.create({ body: { label: 'Bob' } });
  await use(ada.key);
  under.proxy.clock.now += DAY_MS;
  await use(bob.key);
  await use(ada.key, 2);
  const { day, items, totals } = await under.admin.usage.read();
  expect(day).toBe(null);
  expect(items).toMatchObject([
    { day: '2026-11-25', id: ada.id, label: 'Ada', model: null, req_count: 2, prompt_tokens: 20 },
    { day: '2026-11-25', id: bob.id, label: 'Bob', ...ONE },
    { day: '2026-11-24', id: ada.id, key: `${ada.key.slice(0, 7)}…${ada.key.slice(-4)}`, ...ONE },
  ]);
  expect(totals).toMatchObject({ req_count: 4, prompt_tokens: 40, completion_tokens: 20 });
});

test('is cut by day, span, key, model and limit', async () => {
  const ada = await under.admin.keys.create();
  const bob = await under.admin.keys.create();
  await use(ada.key, 1, 'small');
  await use(bob.key, 1, 'large');
  under.proxy.clock.now += DAY_MS;
  await use(ada.key, 1, 'small');
  type Query = NonNullable<Parameters<typeof under.admin.usage.read>[0]>['query'];
  const countOf = async (query: NonNullable<Query>) => (await under.admin.usage.read({ query })).items.length;
  expect(await countOf({})).toBe(3);
  expect(await countOf({ day: '2026-11-24' })).toBe(2);
  expect(await countOf({ from: '2026-11-25' })).toBe(1);
  expect(await countOf({ to: '2026-11-24' })).toBe(2);
  expect(await countOf({ from: '2026-11-24', to: '2026-11-25' })).toBe(3);
  expect(await countOf({ key: ada.id })).toBe(2);
  expect(await countOf({ key: ada.key, day: '2026-11-25' })).toBe(1);
  expect(await countOf({ model: 'large' })).toBe(1);
  expect(await countOf({ model: 'm'.repeat(256) })).toBe(0);
  expect(await countOf({ group_by: 'day' })).toBe(2);
  expect(await countOf({ group_by: 'model' })).toBe(3);
  expect(await countOf({ group_by: 'month' })).toBe(1);
  const { items, totals } = await under.admin.usage.read({ query: { limit: 1 } });
  expect(items).toHaveLength(1);
  expect(totals.req_count).toBe(3);
});

test.each([
  ['day=2026-02-30', 'day must be a day such as 2026-01-31'],
  ['day=2026-1-1', 'day must be a day'],
  ['day=today', 'day must be a day'],
  ['from=2026-01-32', 'from must be a day'],
  ['day=2026-01-01&from=2026-01-01', 'day must not stand beside from and to'],
  ['from=2026-01-02&to=2026-01-01', 'from must not be after to'],
  ['group_by=week', 'group_by must be one of key, model, key_model, day, month'],
  ['cursor=x', 'cursor must be next_cursor of the page before'],
  ['cursor=WyJhIl0', 'cursor must be next_cursor of the page before'],
  ['sort=label', 'sort must be one of requests, key'],
  ['limit=0', 'limit must be at least 1'],
  ['limit=10001', 'limit must be at most 10000'],
  ['format=xml', 'format must be one of json, csv'],
  ['until=1', 'until is not known'],
])('%s is refused', async (query, says) => {
  const { status, error } = await under.ask('GET', `/admin/usage?${query}`);
  expect(status).toBe(400);
  expect(error?.message).toContain(says);
});

test('of an unknown key is 404', async () => {
  expect((await under.ask('GET', '/admin/usage?key=unknown')).error?.code).toBe('key_not_found');
});

test('comes as a file that a spreadsheet takes for text', async () => {
  const made = await under.admin.keys.create({ body: { label: '=1+1, "quoted"' } });
  await use(made.key);
  const { headers, text } = await under.ask('GET', '/admin/usage?format=csv');
  expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(headers.get('content-disposition')).toBe('attachment; filename="usage.csv"');
  const [first, second, ...rest] = text.split('\r\n');
  expect(first).toMatch(/^day,id,key,label,model,req_count,/);
  expect(second).toContain(`2026-11-24,${made.id},`);
  expect(second).toContain(`,"'=1+1, ""quoted""",,1,1,0,0,10,5,0,0,`);
  expect(rest).toEqual(['']);
});

test('comes in pages that meet, as JSON and as files, with the same totals', async () => {
  const keys = [await under.admin.keys.create(), await under.admin.keys.create()];
  for (const { key } of keys) await use(key, 1, '模型 +/=');
  under.proxy.clock.now += DAY_MS;
  for (const { key } of keys) await use(key, 2, 'small');
  const query = { group_by: 'key_model', limit: 3 } as const;
  const first = await under.admin.usage.read({ query });
  // Used once more: what is on the next page is still there.
  await use(keys[0]?.key ?? '', 1, 'small');
  const second = await under.admin.usage.read({ query: { ...query, cursor: first.next_cursor ?? '' } });
  const seen = [...first.items, ...second.items].map(({ day, id, model }) => [day, id, model]);
  expect(new Set(seen.map(String)).size).toBe(4);
  expect(second.next_cursor).toBeNull();
  expect([first.totals.req_count, second.totals.req_count]).toEqual([6, 7]);
  const path = '/admin/usage?format=csv&group_by=key_model&sort=key&limit=3';
  const file = await under.ask('GET', path);
  const rest = await under.ask('GET', `${path}&cursor=${file.headers.get('x-next-cursor')}`);
  expect(rest.text.trim().split('\r\n')).toHaveLength(2);
  expect(rest.headers.get('x-next-cursor')).toBeNull();
});

test('reset starts one key anew, or all, and leaves ledger and sponsor', async () => {
  await under.admin.sponsor.put({ body: { quotas: [{ meter: 'requests', period: 'day', limit: 100 }] } });
  const made = [];
  for (let n = 0; n < 3; n += 1) made.push(await under.admin.keys.create({ body: { daily_limit: 1 } }));
  const [ada, bob] = made;
  if (ada === undefined || bob === undefined) throw new Error('two keys were made');
  for (const { key } of made) await use(key);
  const usedBy = async (key: string) => (await under.admin.keys.get({ params: { key } })).quotas[0]?.used;

  expect(await under.admin.usage.reset({ body: { key: ada.key } })).toEqual({ ok: true, keys: 1 });
  expect([await usedBy(ada.id), await usedBy(bob.id)]).toEqual([0, 1]);
  expect((await under.proxy.chat(bob.key)).status).toBe(429);

  expect(await under.admin.usage.reset()).toEqual({ ok: true, keys: 3 });
  expect([await usedBy(ada.id), await usedBy(bob.id)]).toEqual([0, 0]);
  expect((await under.proxy.chat(bob.key)).status).toBe(200);
  await under.proxy.settled();

  expect((await under.admin.usage.read()).totals.req_count).toBe(4);
  expect((await under.admin.sponsor.get()).quotas).toMatchObject([{ limit: 100, used: 4 }]);
});

test('reset of all reaches every page of keys', async () => {
  for (let n = 0; n < 201; n += 1) await under.proxy.issue();
  expect(await under.admin.usage.reset()).toEqual({ ok: true, keys: 201 });
});

test('reset of an unknown or deleted key is 404', async () => {
  const { id } = await under.admin.keys.create();
  await under.admin.keys.delete({ params: { key: id } });
  for (const key of [id, 'unknown']) {
    expect((await under.ask('POST', '/admin/usage/reset', { key })).error?.code).toBe('key_not_found');
  }
});
