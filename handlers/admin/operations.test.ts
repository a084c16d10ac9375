import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AdminUnderTest, openAdmin } from '#test/fakes/admin.ts';
import { noMemories, openMemoryStore } from '#test/fakes/memory-store.ts';

let under: AdminUnderTest;
beforeEach(async () => {
  under = await openAdmin();
});
afterEach(() => under.proxy.close());

async function changeEverything({ admin }: AdminUnderTest) {
  const made = await admin.keys.create({ body: { label: 'Ada', daily_limit: 5 } });
  await admin.keys.patch({ params: { key: made.key }, body: { disabled: true } });
  await admin.sponsor.put({ body: { quotas: [] } });
  await admin.usage.reset({ body: { key: made.key } });
  await admin.usage.reset();
  await admin.keys.delete({ params: { key: made.key } });
  return made;
}

test('each change is recorded once, with who, what, whom, and no secret', async () => {
  const { id, key } = await changeEverything(under);
  const { items, next_cursor } = await under.admin.operations.list();
  expect(next_cursor).toBe(null);
  expect(items.map(({ n, action, target, details }) => ({ n, action, target, details }))).toEqual([
    { n: 6, action: 'keys.delete', target: id, details: {} },
    { n: 5, action: 'usage.reset', target: 'all', details: {} },
    { n: 4, action: 'usage.reset', target: id, details: {} },
    { n: 3, action: 'sponsor.put', target: 'sponsor', details: { quotas: [] } },
    { n: 2, action: 'keys.patch', target: id, details: { disabled: true } },
    { n: 1, action: 'keys.create', target: id, details: { label: 'Ada', daily_limit: 5 } },
  ]);
  expect(new Set(items.map(({ actor }) => actor))).toEqual(new Set(['admin@203.0.113.7']));
  expect(JSON.stringify(items)).not.toContain(key.slice(0, -4));
  expect(await under.admin.operations.verify()).toEqual({ ok: true, count: 6, broken_at: null });
});

test('nothing is recorded where the log is switched off', async () => {
  await under.proxy.close();
  under = await openAdmin({ operationLog: false });
  const { id } = await changeEverything(under);
  expect((await under.admin.operations.list()).items).toEqual([]);
  expect(await under.admin.keys.get({ params: { key: id } })).toMatchObject({ status: 'deleted' });
});

test('what is refused or only looked at is not recorded', async () => {
  await under.ask('POST', '/admin/keys', { label: '' });
  await under.ask('PATCH', '/admin/keys/unknown', { label: 'x' });
  await under.ask('POST', '/admin/usage/reset', { key: 'unknown' });
  await under.admin.keys.list();
  expect((await under.admin.operations.list()).items).toEqual([]);
});

test('is listed in pages, by action and by target', async () => {
  const { id } = await changeEverything(under);
  const first = await under.admin.operations.list({ query: { limit: 4 } });
  expect(first.items.map(({ n }) => n)).toEqual([6, 5, 4, 3]);
  const cursor = first.next_cursor ?? '';
  expect(
    (await under.admin.operations.list({ query: { limit: 4, cursor } })).items.map(({ n }) => n),
  ).toEqual([2, 1]);
  const numbersOf = async (query: { action?: string; target?: string }) =>
    (await under.admin.operations.list({ query })).items.map(({ n }) => n);
  expect(await numbersOf({ action: 'usage.reset' })).toEqual([5, 4]);
  expect(await numbersOf({ target: id })).toEqual([6, 4, 2, 1]);
});

test.each(['cursor=0', 'cursor=x', 'limit=201', 'x=1', `target=${'a'.repeat(201)}`])(
  '%s is refused',
  async (query) => {
    expect((await under.ask('GET', `/admin/operations?${query}`)).status).toBe(400);
  },
);

test('a changed operation is found', async () => {
  await under.proxy.close();
  const data = noMemories();
  under = await openAdmin({}, (calendar) => openMemoryStore({ calendar, data }));
  await changeEverything(under);
  const third = data.operations[2];
  if (third === undefined) throw new Error('there are six');
  data.operations[2] = { ...third, actor: 'nobody' };
  expect(await under.admin.operations.verify()).toEqual({ ok: false, count: 6, broken_at: 3 });
});
