import { expect, test } from 'vitest';
import { openAdmin } from '#test/fakes/admin.ts';

test('status shows version, store, upstream, counts and warnings', async () => {
  const { proxy, admin } = await openAdmin({ version: '1.2.3', warnings: ['the demo upstream is used'] });
  const { key } = await admin.keys.create();
  await (await proxy.chat(key)).text();
  await proxy.settled();
  const status = await admin.status.get();
  await proxy.close();
  expect(status).toMatchObject({
    version: '1.2.3',
    now: proxy.clock.now,
    time_zone: 'UTC',
    upstream: { base_url: proxy.upstream.baseUrl, trouble: null },
    upstreams: [{ name: 'upstream', breaker: null, in_flight: 0, max_concurrency: null, waiting: 0 }],
    keys: 1,
    entries: 2,
    ledger: { days: 0, removed_entries: 0, removed_until: null, oldest_at: expect.any(Number) },
    open_reservations: 0,
    warnings: ['the demo upstream is used'],
  });
  expect(status.store.engine).not.toBe('');
});

test('a cap in money without prices, which refuses every request, is warned of', async () => {
  const { proxy, admin } = await openAdmin();
  const { key } = await admin.keys.create();
  await admin.sponsor.put({ body: { quotas: [{ meter: 'requests', period: 'day', limit: 9 }] } });
  expect((await admin.status.get()).warnings).toEqual([]);
  await admin.sponsor.put({ body: { quotas: [{ meter: 'cost', period: 'day', limit: 5_000_000 }] } });
  const refused = await proxy.chat(key);
  expect([refused.status, await refused.json()]).toMatchObject([
    400,
    { error: { code: 'model_not_priced' } },
  ]);
  expect((await admin.status.get()).warnings).toEqual([
    expect.stringMatching(/refuses every request, as no model has a price: set PRICES_FILE/),
  ]);
  await proxy.close();
});
