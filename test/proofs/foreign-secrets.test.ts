import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqlite } from '#adapters/sqlite/open-sqlite.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';

const FOREIGN = 'trial-0197b2a0-1111-7000';

let folder: string;
let proxy: ProxyUnderTest;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quota-proxy-'));
  proxy = await openProxy({
    behaviour: (_, response) => sendJson(response, completion(10, 5)),
    openStore: (calendar) => openSqlite({ path: join(folder, 'quota.db'), calendar }),
  });
});
afterEach(async () => {
  await proxy.close();
  rmSync(folder, { recursive: true });
});

/** Digests that the store was asked for from now on. */
function lookups(): string[] {
  const asked: string[] = [];
  const { keys, ledger } = proxy.services;
  const { account } = keys;
  const { execute } = ledger;
  Object.assign(keys, {
    account: (ref: Parameters<typeof account>[0]) => {
      asked.push(JSON.stringify(ref));
      return account(ref);
    },
  });
  Object.assign(ledger, {
    execute: (command: Parameters<typeof execute>[0]) => {
      asked.push(command.kind);
      return execute(command);
    },
  });
  return asked;
}

test.each([
  { name: 'nothing', secret: '' },
  { name: 'short', secret: 'sk-1234' },
  { name: 'like one of ours, mistyped', secret: `sk-${'a'.repeat(39)}` },
  { name: 'endless', secret: 'a'.repeat(201) },
])('garbage never reaches the store: $name', async ({ secret }) => {
  const asked = lookups();
  expect((await proxy.chat(secret)).status).toBe(401);
  expect(asked).toEqual([]);
});

test('an invented foreign secret is looked up once, and its body is not read', async () => {
  const asked = lookups();
  let read = false;
  const body = new ReadableStream(
    {
      pull: () => {
        read = true;
      },
    },
    { highWaterMark: 0 },
  );
  const headers = { authorization: `Bearer ${FOREIGN}`, 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit;
  const response = await proxy.fetch('/v1/chat/completions', init);
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ error: { code: 'invalid_api_key' } });
  expect(asked).toEqual([JSON.stringify({ digest: proxy.services.secrets.digest(FOREIGN) })]);
  expect(read).toBe(false);
});

test('however many are invented, nothing is committed and nothing is kept', async () => {
  await proxy.issue();
  // What is in memory is written back first: after that, only a commit would write.
  await proxy.store.reports.usage({ groupBy: 'day', limit: 1 });
  const sizes = () => ['', '-wal'].map((part) => statSync(join(folder, `quota.db${part}`)).mtimeMs);
  const before = sizes();
  const statuses = await Promise.all(
    Array.from({ length: 500 }, (_, n) => proxy.chat(`invented-secret-${n}`).then(({ status }) => status)),
  );
  expect(new Set(statuses)).toEqual(new Set([401]));
  expect(sizes()).toEqual(before);
  expect((await proxy.store.reports.usage({ groupBy: 'key', limit: 9 })).rows).toEqual([]);
  expect(await proxy.store.health.status()).toMatchObject({ keys: 1, entries: 0 });
});

test('an imported one opens every route that a key opens', async () => {
  const { secrets, ids, keys, clock } = proxy.services;
  const { key } = await proxy.issue();
  const imported = { ...key, id: ids.next(), digest: secrets.digest(FOREIGN) };
  await keys.bringIn(imported, [], clock.now(), null);
  expect((await proxy.chat(FOREIGN)).status).toBe(200);
  const headers = { authorization: `Bearer ${FOREIGN}` };
  expect((await proxy.fetch('/v1/quota', { headers })).status).toBe(200);
});
