import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isWellFormed } from '#core/secret.ts';
import { type AdminUnderTest, openAdmin } from '#test/fakes/admin.ts';

const DAY_MS = 86_400_000;

let under: AdminUnderTest;
let now: number;
beforeEach(async () => {
  under = await openAdmin({ requestsPerMinute: 60 });
  now = under.proxy.clock.now;
});
afterEach(() => under.proxy.close());

describe('create', () => {
  test('answers with the whole key, this once, and what the environment says', async () => {
    const made = await under.admin.keys.create({ body: { label: '  张三 👩‍💻  ' } });
    expect(isWellFormed(made.key)).toBe(true);
    expect(made).toMatchObject({
      label: '张三 👩‍💻',
      status: 'active',
      created_at: now,
      expires_at: now + 30 * DAY_MS,
      last_used_at: null,
      quotas: [{ meter: 'requests', period: 'day', limit: 200, used: 0, held: 0 }],
      models: null,
      ips: null,
      requests_per_minute: null,
      max_concurrency: null,
      metadata: {},
    });
    const shown = await under.admin.keys.get({ params: { key: made.id } });
    expect(shown).toEqual({ ...made, key: `${made.key.slice(0, 7)}…${made.key.slice(-4)}` });
  });

  test('is 201, and the key works', async () => {
    const { status, text } = await under.ask('POST', '/admin/keys', {});
    expect(status).toBe(201);
    expect((await under.proxy.chat(JSON.parse(text).key)).status).toBe(200);
  });

  const DEFAULT = { meter: 'requests', period: 'day', limit: 200 } as const;
  const TOKENS = { meter: 'tokens', period: 'month', limit: 9 } as const;
  const TOTAL = { meter: 'requests', period: 'total', limit: 7 } as const;

  test.each([
    { name: 'nothing', body: {}, quotas: [DEFAULT] },
    { name: 'no quotas', body: { quotas: [] }, quotas: [] },
    { name: 'quotas', body: { quotas: [TOKENS] }, quotas: [TOKENS] },
    { name: 'a daily limit', body: { daily_limit: 5 }, quotas: [{ ...DEFAULT, limit: 5 }] },
    { name: 'no daily limit', body: { daily_limit: null }, quotas: [] },
    { name: 'a total quota', body: { total_quota: 7 }, quotas: [DEFAULT, TOTAL] },
    { name: 'no total quota', body: { total_quota: null }, quotas: [DEFAULT] },
    {
      name: 'both short forms',
      body: { daily_limit: 5, total_quota: 7 },
      quotas: [{ ...DEFAULT, limit: 5 }, TOTAL],
    },
    {
      name: 'quotas and a short form',
      body: { quotas: [TOKENS], daily_limit: 5 },
      quotas: [TOKENS, { ...DEFAULT, limit: 5 }],
    },
    { name: 'quotas and the other one', body: { quotas: [TOKENS], total_quota: 7 }, quotas: [TOKENS, TOTAL] },
  ])('given $name', async ({ body, quotas }) => {
    const made = await under.admin.keys.create({ body });
    expect(made.quotas.map(({ meter, period, limit }) => ({ meter, period, limit }))).toEqual(quotas);
  });

  test.each([
    { name: 'days', body: { expires_in_days: 2 }, days: 2 },
    { name: '0 days', body: { expires_in_days: 0 }, days: null },
    { name: 'null', body: { expires_at: null }, days: null },
  ])('expiry given as $name', async ({ body, days }) => {
    const { expires_at } = await under.admin.keys.create({ body });
    expect(expires_at).toBe(days === null ? null : now + days * DAY_MS);
  });

  test('expiry given as an instant', async () => {
    const { expires_at } = await under.admin.keys.create({ body: { expires_at: now + 1 } });
    expect(expires_at).toBe(now + 1);
  });

  test('without a default expiry and day quota there are none', async () => {
    await under.proxy.close();
    under = await openAdmin({ keyExpiryDays: 0, dailyRequestLimit: 0 });
    expect(await under.admin.keys.create()).toMatchObject({ expires_at: null, quotas: [] });
  });

  test('expiry must lie in the future', async () => {
    const { status, error } = await under.ask('POST', '/admin/keys', { expires_at: now });
    expect(status).toBe(400);
    expect(error).toMatchObject({ code: 'invalid_body', param: 'expires_at' });
  });
});

describe('list', () => {
  test('pages, newest first, each key once', async () => {
    const made: string[] = [];
    for (let n = 0; n < 5; n += 1) made.unshift((await under.admin.keys.create()).id);
    const seen: string[] = [];
    let cursor: string | undefined;
    for (let pages = 0; pages < 3; pages += 1) {
      const page = await under.admin.keys.list({ query: { limit: 2, ...(cursor && { cursor }) } });
      seen.push(...page.items.map(({ id }) => id));
      expect(page.next_cursor === null).toBe(pages === 2);
      cursor = page.next_cursor ?? undefined;
    }
    expect(seen).toEqual(made);
  });

  test('finds by status and by text', async () => {
    const ada = await under.admin.keys.create({ body: { label: 'Ada Lovelace' } });
    const bob = await under.admin.keys.create({ body: { label: 'Bob', expires_in_days: 1 } });
    const eve = await under.admin.keys.create();
    await under.admin.keys.patch({ params: { key: ada.id }, body: { disabled: true } });
    await under.admin.keys.delete({ params: { key: eve.id } });
    under.proxy.clock.now += DAY_MS;
    const idsOf = async (query: { status?: 'active' | 'disabled' | 'expired' | 'deleted'; q?: string }) =>
      (await under.admin.keys.list({ query })).items.map(({ id }) => id);
    expect(await idsOf({})).toEqual([bob.id, ada.id]);
    expect(await idsOf({ status: 'active' })).toEqual([]);
    expect(await idsOf({ status: 'disabled' })).toEqual([ada.id]);
    expect(await idsOf({ status: 'expired' })).toEqual([bob.id]);
    expect(await idsOf({ status: 'deleted' })).toEqual([eve.id]);
    expect(await idsOf({ q: 'lovel' })).toEqual([ada.id]);
    expect(await idsOf({ q: bob.key.slice(-4) })).toEqual([bob.id]);
  });

  test('does not search for a key itself', async () => {
    const { secret } = await under.proxy.issue();
    const { status, error } = await under.ask('GET', `/admin/keys?q=${secret}`);
    expect(status).toBe(400);
    expect(error?.message).not.toContain(secret);
  });
});

describe('one key', () => {
  test('is found by its id, in any case, and by itself', async () => {
    const made = await under.admin.keys.create();
    for (const key of [made.id, made.id.toUpperCase(), made.key]) {
      expect(await under.admin.keys.get({ params: { key } })).toMatchObject({ id: made.id });
    }
  });

  test.each(['GET', 'PATCH', 'DELETE'])(
    '%s of one that is unknown is 404, and says nothing of it',
    async (method) => {
      const secret = 'sk-canary0123456789';
      for (const key of [
        secret,
        '0197b2a0-0000-7000-8000-00000000dead',
        '%00',
        '%E0%A4%A',
        'é',
        'a%2Fb',
        'k'.repeat(200),
      ]) {
        const body = method === 'PATCH' ? { label: 'x' } : undefined;
        const { status, error, text } = await under.ask(method, `/admin/keys/${key}`, body);
        expect(status).toBe(404);
        expect(error?.code).toBe('key_not_found');
        expect(text).not.toContain(secret);
      }
    },
  );

  test('patch changes what is given, and nothing else', async () => {
    const made = await under.admin.keys.create({
      body: { label: 'Ada', metadata: { a: '1' }, models: ['m'] },
    });
    const params = { key: made.id };
    const body = {
      expires_at: null,
      quotas: [{ meter: 'tokens', period: 'hour', limit: 3 } as const],
      models: null,
      requests_per_minute: 5,
      max_concurrency: 2,
    };
    const changed = await under.admin.keys.patch({ params, body: { ...body, disabled: true } });
    expect(changed).toMatchObject({
      ...body,
      quotas: [{ ...body.quotas[0], used: 0 }],
      id: made.id,
      label: 'Ada',
      metadata: { a: '1' },
      status: 'disabled',
    });
    expect(await under.admin.keys.get({ params })).toEqual(changed);
    const back = await under.admin.keys.patch({ params, body: { disabled: false, label: ' Bob ' } });
    expect(back).toEqual({ ...changed, status: 'active', label: 'Bob' });
  });

  test('patch takes no time in seconds', async () => {
    const { id } = await under.admin.keys.create();
    const { status, error } = await under.ask('PATCH', `/admin/keys/${id}`, { expires_at: 1_800_000_000 });
    expect(status).toBe(400);
    expect(error?.message).toContain('expires_at must be in milliseconds since 1970');
  });

  test('patch with nothing to change is refused', async () => {
    const { id } = await under.admin.keys.create();
    expect((await under.ask('PATCH', `/admin/keys/${id}`, {})).error?.message).toContain(
      'must change something',
    );
  });

  test('shows what it used', async () => {
    const made = await under.admin.keys.create({ body: { daily_limit: 2 } });
    await under.proxy.chat(made.key);
    await under.proxy.settled();
    const shown = await under.admin.keys.get({ params: { key: made.id } });
    expect(shown).toMatchObject({ last_used_at: now, in_flight: 0 });
    expect(shown.quotas).toMatchObject([{ limit: 2, used: 1, held: 0, resets_at: now + DAY_MS / 2 }]);
  });

  test('delete ends it, keeps it to be looked at, and can be repeated', async () => {
    const made = await under.admin.keys.create({ body: { label: 'Ada' } });
    const params = { key: made.id };
    const deleted = await under.admin.keys.delete({ params });
    expect(deleted).toMatchObject({
      ok: true,
      id: made.id,
      label: 'Ada',
      status: 'deleted',
      deleted_at: now,
    });
    under.proxy.clock.now += 1000;
    expect(await under.admin.keys.delete({ params })).toEqual(deleted);
    expect(await under.admin.keys.get({ params })).toMatchObject({ status: 'deleted', deleted_at: now });
    expect((await under.proxy.chat(made.key)).status).toBe(401);
    await expect(under.admin.keys.patch({ params, body: { label: 'x' } })).rejects.toMatchObject({
      status: 404,
    });
    const { items } = await under.admin.operations.list({ query: { action: 'keys.delete' } });
    expect(items).toHaveLength(1);
  });

  test('what would change a deleted key is told that it is deleted', async () => {
    const { id } = await under.admin.keys.create();
    await under.admin.keys.delete({ params: { key: id } });
    const replies = [
      await under.ask('PATCH', `/admin/keys/${id}`, { label: 'x' }),
      await under.ask('POST', `/admin/keys/${id}/rotate`),
      await under.ask('POST', '/admin/usage/reset', { key: id }),
    ];
    for (const { status, error } of replies) {
      expect(status).toBe(404);
      expect(error).toMatchObject({ code: 'key_not_found', message: expect.stringContaining('is deleted') });
    }
  });
});
