import { afterEach, beforeEach, expect, test } from 'vitest';
import { formSecret, SECRET_RANDOM_BYTES } from '#core/secret.ts';
import { openAdmin } from '#test/fakes/admin.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';

const HOUR_MS = 3_600_000;

let proxy: ProxyUnderTest;
beforeEach(async () => {
  ({ proxy } = await openAdmin({ requestsPerMinute: 3 }));
});
afterEach(() => proxy.close());

async function quotaOf(secret: string) {
  const response = await proxy.fetch('/v1/quota', { headers: { authorization: `Bearer ${secret}` } });
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
}

test("shows a key's own state", async () => {
  const { secret, key } = await proxy.issue({
    expiresAt: proxy.clock.now + HOUR_MS,
    quotas: [
      { meter: 'requests', period: 'day', limit: 5 },
      { meter: 'tokens', period: 'total', limit: 1000 },
    ],
    models: ['demo'],
    requestsPerMinute: null,
    maxConcurrency: 2,
  });
  await (await proxy.chat(secret)).text();
  await proxy.settled();
  const { status, headers, body } = await quotaOf(secret);
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body).toEqual({
    id: key.id,
    label: 'Ada',
    status: 'active',
    created_at: key.createdAt,
    expires_at: Date.UTC(2026, 10, 24, 13),
    expires_at_iso: '2026-11-24T13:00:00.000Z',
    in_words: [
      '4 of 5 requests per day left (1 used); starts anew in 12 h, at 2026-11-25T00:00:00.000Z.',
      '985 of 1000 tokens in total left (15 used).',
      '2 of 3 requests per minute left.',
      '0 of 2 requests in flight.',
      'The key expires in 1 h, at 2026-11-24T13:00:00.000Z.',
    ],
    quotas: [
      {
        meter: 'requests',
        period: 'day',
        limit: 5,
        used: 1,
        held: 0,
        remaining: 4,
        resets_at: Date.UTC(2026, 10, 25),
        resets_at_iso: '2026-11-25T00:00:00.000Z',
      },
      {
        meter: 'tokens',
        period: 'total',
        limit: 1000,
        used: 15,
        held: 0,
        remaining: 985,
        resets_at: null,
        resets_at_iso: null,
      },
    ],
    rate: { requests_per_minute: 3, remaining: 2 },
    models: ['demo'],
    max_concurrency: 2,
    in_flight: 0,
  });
});

test('is reachable without /v1, too', async () => {
  const { secret } = await proxy.issue();
  const response = await proxy.fetch('/quota', { headers: { 'x-api-key': secret } });
  expect(response.status).toBe(200);
});

test('the rate is what would pass at once, down to nothing', async () => {
  const { secret } = await proxy.issue({ requestsPerMinute: null });
  for (const remaining of [3, 2, 1, 0]) {
    expect((await quotaOf(secret)).body.rate).toEqual({ requests_per_minute: 3, remaining });
    await proxy.chat(secret);
  }
  await proxy.settled();
});

test('without a rate there is none to show', async () => {
  const { secret } = await proxy.issue({ requestsPerMinute: 0 });
  expect((await quotaOf(secret)).body.rate).toBe(null);
});

test('nothing remains of a quota that was lowered below its use', async () => {
  const { secret, key } = await proxy.issue({ quotas: [{ meter: 'tokens', period: 'day', limit: 1000 }] });
  await proxy.chat(secret);
  await proxy.settled();
  const quotas = [{ meter: 'tokens', period: 'day', limit: 1 } as const];
  await proxy.store.keys.amend(key.id, { at: proxy.clock.now, quotas }, null);
  expect((await quotaOf(secret)).body.quotas).toMatchObject([{ used: 15, remaining: 0 }]);
});

test.each([
  ['disabled', { disabled: true }, 401, 'key_disabled'],
  ['expired', { expiresAt: 1 }, 401, 'key_expired'],
  ['deleted', { deletedAt: 1 }, 401, 'invalid_api_key'],
  ['used from elsewhere', { ips: ['203.0.113.0/24'] }, 403, 'ip_not_allowed'],
])('a key that is %s sees nothing', async (_, changes, status, code) => {
  const { secret } = await proxy.issue(changes);
  const answer = await quotaOf(secret);
  expect(answer.status).toBe(status);
  expect(answer.body.error.code).toBe(code);
});

test('a well-formed key that nobody issued sees nothing', async () => {
  const secret = formSecret('sk-', proxy.services.ids.random(SECRET_RANDOM_BYTES));
  const answer = await quotaOf(secret);
  expect(answer.status).toBe(401);
  expect(answer.body.error.code).toBe('invalid_api_key');
});
