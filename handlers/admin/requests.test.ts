import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AdminUnderTest, openAdmin } from '#test/fakes/admin.ts';

const PRICES = {
  version: 'p1',
  currency: 'USD',
  models: new Map([
    [
      'demo',
      {
        ...{ input: 1_000_000, cachedInput: 500_000, cacheWrite: 1_000_000 },
        ...{ output: 3_000_000, reasoning: 3_000_000, request: 2, outputTokensMax: null },
      },
    ],
  ]),
};

let under: AdminUnderTest;
beforeEach(async () => {
  under = await openAdmin({}, undefined, PRICES);
});
afterEach(() => under.proxy.close());

async function request(secret: string): Promise<string> {
  const response = await under.proxy.chat(secret, { max_tokens: 20 });
  await response.text();
  await under.proxy.settled();
  return response.headers.get('x-request-id') ?? '';
}

test('the receipt says all that is known of a request', async () => {
  const { key, id: keyId } = await under.admin.keys.create();
  const id = await request(key);
  const receipt = await under.admin.requests.get({ params: { id } });
  expect(receipt).toMatchObject({
    id,
    key_id: keyId,
    endpoint: '/v1/chat/completions',
    model: 'demo',
    stream: false,
    status: 'settled',
    made_at: under.proxy.clock.now,
    ended_at: under.proxy.clock.now,
    reserved: { requests: 1 },
    used: { requests: 1, tokens: 15, cost_micros: 27 },
    overdraft: { requests: 0, tokens: 0, cost_micros: 0 },
    usage: {
      ...{ prompt_tokens: 10, completion_tokens: 5 },
      ...{ cached_tokens: 0, cache_written_tokens: 0, reasoning_tokens: 0 },
    },
    source: 'upstream',
    prices: {
      version: 'p1',
      input_micros: 1_000_000,
      cached_input_micros: 500_000,
      cache_write_micros: 1_000_000,
      output_micros: 3_000_000,
      reasoning_micros: 3_000_000,
      request_micros: 2,
    },
    http_status: 200,
  });
  expect(receipt.reserved.tokens).toBeGreaterThan(20);
  expect(receipt.duration_ms).not.toBe(null);
});

test('receipts are listed in pages, newest first, by key and by time', async () => {
  const ada = await under.admin.keys.create();
  const bob = await under.admin.keys.create();
  const noon = under.proxy.clock.now;
  const made: string[] = [];
  for (const [index, { key }] of [ada, bob, ada].entries()) {
    under.proxy.clock.now = noon + index * 1000;
    made.unshift(await request(key));
  }
  const first = await under.admin.requests.list({ query: { limit: 2 } });
  const cursor = first.next_cursor ?? '';
  const second = await under.admin.requests.list({ query: { limit: 2, cursor } });
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(made);
  expect(second.next_cursor).toBe(null);

  type Query = NonNullable<NonNullable<Parameters<typeof under.admin.requests.list>[0]>['query']>;
  const idsOf = async (query: Query) =>
    (await under.admin.requests.list({ query })).items.map(({ id }) => id);
  expect(await idsOf({ key: bob.key })).toEqual([made[1]]);
  expect(await idsOf({ from: noon + 1000 })).toEqual([made[0], made[1]]);
  expect(await idsOf({ to: noon + 1000 })).toEqual([made[2]]);
  expect(await idsOf({ from: noon + 1000, to: noon + 2000 })).toEqual([made[1]]);
});

test('receipts are found by what became of them, and are a file, too', async () => {
  const ada = await under.admin.keys.create({ body: { label: 'Ada' } });
  const made = [await request(ada.key), await request(ada.key)];
  type Query = NonNullable<NonNullable<Parameters<typeof under.admin.requests.list>[0]>['query']>;
  const countOf = async (query: Query) => (await under.admin.requests.list({ query })).items.length;
  expect(await countOf({ model: 'demo', endpoint: '/v1/chat/completions', status: 'settled' })).toBe(2);
  expect(await countOf({ http_status: '200', source: 'upstream' })).toBe(2);
  expect(await countOf({ http_status: '2xx' })).toBe(2);
  for (const query of [
    { model: 'other' },
    { endpoint: '/v1/embeddings' },
    { status: 'open' },
    { http_status: '5xx' },
    { http_status: '201' },
    { source: 'estimate' },
    { overdraft: 'true' },
  ] as const)
    expect(await countOf(query), JSON.stringify(query)).toBe(0);

  const file = await under.ask('GET', '/admin/requests?format=csv&limit=1');
  expect(file.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(file.text).toContain(`\r\n${made[1]},${ada.id},/v1/chat/completions,demo,false,settled,`);
  const cursor = file.headers.get('x-next-cursor');
  const rest = await under.ask('GET', `/admin/requests?format=csv&limit=1&cursor=${cursor}`);
  expect(rest.text).toContain(made[0]);
  expect(rest.headers.get('x-next-cursor')).toBeNull();
});

test.each([
  'http_status=600',
  'http_status=4x',
  'status=done',
  'overdraft=false',
  'limit=1001',
  'cursor=e0',
  'from=2026-01-01',
  'from=1',
  'to=-1',
  'from=1700000000001&to=1700000000000',
  'cursor=x',
  'limit=0',
  'x=1',
])('%s is refused', async (query) => {
  const { status, error } = await under.ask('GET', `/admin/requests?${query}`);
  expect(status).toBe(400);
  expect(error?.code).toBe('invalid_query');
});

test.each(['unknown', '0197b2a0-0000-7000-8000-00000000dead'])('a request %s is 404', async (id) => {
  expect((await under.ask('GET', `/admin/requests/${id}`)).error?.code).toBe('request_not_found');
});

test.each([
  { ledgerDays: 40, says: 'receipts are kept 40 days (LEDGER_DAYS); those up to 2026-11-24 were removed' },
  {
    ledgerDays: 0,
    says: 'receipts are kept for ever now (LEDGER_DAYS is 0); those up to 2026-11-24 were removed',
  },
])(
  'a request of which no receipt is kept any more is 404, and says why: $ledgerDays',
  async ({ ledgerDays, says }) => {
    const { key } = await under.admin.keys.create();
    const made = [await request(key), await request(key)];
    const { store, services } = under.proxy;
    await store.retention.removeEntries({ before: Number.MAX_SAFE_INTEGER, throughN: 2, entriesMax: 9 });
    Object.assign(services.policy, { ledgerDays });
    // Ids are made by the machine's own clock, the ledger's times by that of the test, which is earlier or later.
    const stamp = (at: number) =>
      at
        .toString(16)
        .padStart(12, '0')
        .replace(/^(.{8})/, '$1-');
    const old = (
      await under.ask('GET', `/admin/requests/${stamp(under.proxy.clock.now)}-7000-8000-000000000001`)
    ).error;
    expect(old?.code).toBe('request_not_found');
    expect(old?.message).toContain(says);
    const later = `${stamp(under.proxy.clock.now + 1)}-7000-8000-000000000001`;
    expect((await under.ask('GET', `/admin/requests/${later}`)).error?.message).toContain('lists all');
    expect((await under.admin.requests.list({})).items.map(({ id }) => id)).toEqual([made[1]]);
  },
);

test('requests of an unknown key are 404', async () => {
  expect((await under.ask('GET', '/admin/requests?key=unknown')).error?.code).toBe('key_not_found');
});
