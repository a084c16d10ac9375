import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AdminUnderTest, openAdmin } from '#test/fakes/admin.ts';
import type { Action } from './contract/action.ts';
import { contract } from './contract.ts';

let under: AdminUnderTest;
beforeEach(async () => {
  under = await openAdmin();
});
afterEach(() => under.proxy.close());

const actions: readonly Action[] = Object.values(contract).flatMap((group) => Object.values(group));
const RUNS = { numRuns: 300 };

/** Any action; its path's parameters are anything, or a key that exists. */
function addressOf(action: Action, param: string) {
  return action.path.replace(/:\w+/g, encodeURIComponent(param));
}

/** Objects that have some of the action's members, with any values. */
function withMembersOf(names: readonly string[], value: fc.Arbitrary<unknown>) {
  return fc.dictionary(fc.oneof(fc.constantFrom('x', ...names), fc.string()), value, { maxKeys: 4 });
}

test('no JSON body is answered with 5xx', async () => {
  const { id } = await under.admin.keys.create();
  const written = actions.filter(({ method }) => method !== 'GET');
  const call = fc.constantFrom(...written).chain((action) =>
    fc.record({
      action: fc.constant(action),
      param: fc.oneof(fc.constant(id), fc.string({ unit: 'grapheme' })),
      body: fc.oneof(
        withMembersOf(Object.keys(action.body.shape), fc.jsonValue({ maxDepth: 4 })),
        fc.jsonValue(),
      ),
    }),
  );
  await fc.assert(
    fc.asyncProperty(call, async ({ action, param, body }) => {
      const { status } = await under.ask(action.method, addressOf(action, param), JSON.stringify(body));
      expect(status).toBeLessThan(500);
    }),
    RUNS,
  );
  expect(under.proxy.failures).toEqual([]);
});

test('no query is answered with 5xx', async () => {
  const read = actions.filter(({ method }) => method === 'GET');
  const call = fc.constantFrom(...read).chain((action) =>
    fc.record({
      action: fc.constant(action),
      param: fc.string({ unit: 'grapheme' }),
      query: withMembersOf(
        Object.keys(action.query.shape),
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.integer().map(String),
          fc.uuid(),
          fc.constant('2026-11-24'),
        ),
      ),
    }),
  );
  await fc.assert(
    fc.asyncProperty(call, async ({ action, param, query }) => {
      const search = new URLSearchParams(query as Record<string, string>);
      const { status } = await under.ask(action.method, `${addressOf(action, param)}?${search}`);
      expect(status).toBeLessThan(500);
    }),
    RUNS,
  );
  expect(under.proxy.failures).toEqual([]);
});

test('a key that stands in a path, query or body never reaches the log, the operations or the store as it is', async () => {
  const { secret, key } = await under.proxy.issue();
  const { store, failures } = under.proxy;
  const seen: string[] = [];
  const account = store.keys.account;
  Object.assign(under.proxy.services.keys, {
    account: (ref: Parameters<typeof account>[0]) => {
      seen.push(JSON.stringify(ref));
      return account(ref);
    },
  });
  Object.assign(under.proxy.services.reports, {
    receipt: async (id: string) => void seen.push(id),
  });
  await under.ask('GET', `/admin/keys/${secret}`);
  await under.ask('GET', `/admin/requests/${secret}`);
  await under.ask('PATCH', `/admin/keys/${secret}`, { label: 'x' });
  await under.ask('GET', `/admin/usage?key=${secret}`);
  await under.ask('GET', `/admin/requests?key=${secret}`);
  await under.ask('POST', '/admin/usage/reset', { key: secret });
  await under.ask('GET', `/admin/operations?target=${secret}`);
  await under.ask('DELETE', `/admin/keys/${secret}`);
  expect(seen).toEqual(Array(6).fill(JSON.stringify({ digest: key.digest })));
  const { items } = await store.operations.list({ limit: 200 });
  expect(items.map(({ target }) => target)).toEqual([key.id, key.id, key.id]);
  expect(JSON.stringify([items, failures])).not.toContain(secret);
});
