import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';
import { problemsOf } from './ledger-file.ts';

let directory: string;
let server: ServerProcess | undefined;
let upstream: UpstreamServer;

afterEach(async () => {
  await server?.kill9();
  await upstream.close();
  await rm(directory, { recursive: true });
});

const ROUNDS = 12;
const AT_ONCE = 8;

test('SIGHUP brings new prices while requests are under way: none is dropped, each keeps the price it began with', async () => {
  upstream = await startUpstreamServer((_, response) => sendJson(response, completion(1_000, 0)));
  directory = await mkdtemp(join(tmpdir(), 'prices-'));
  const path = join(directory, 'prices.json');
  const setPrices = (version: number) => writeFileSync(path, pricesOf(version));
  setPrices(1);
  server = await startServer({
    directory,
    upstreamUrl: upstream.baseUrl,
    env: { PRICES_FILE: path },
  });
  const { admin, chat } = server;
  const quotas = [{ meter: 'cost', period: 'total', limit: 1_000_000_000 } as const];
  const { key } = await admin.keys.create({ body: { label: 'prices', quotas } });

  let rounds = 1;
  const statuses: number[] = [];
  const worker = async () => {
    while (rounds < ROUNDS) {
      const response = await chat(key, { max_tokens: 16 });
      await response.text();
      statuses.push(response.status);
    }
  };
  const workers = Array.from({ length: AT_ONCE }, worker);
  for (; rounds < ROUNDS; rounds += 1) {
    setPrices(rounds + 1);
    server.signal('SIGHUP');
    await expect.poll(server.written).toContain(`"version":"${rounds + 1}"`);
  }
  await Promise.all(workers);
  expect(new Set(statuses)).toEqual(new Set([200]));

  const versions = new Set<string | undefined>();
  let cursor: string | undefined;
  do {
    const page = await admin.requests.list({ query: { limit: '200', ...(cursor && { cursor }) } });
    for (const { prices, used, status } of page.items) {
      versions.add(prices?.version);
      // A thousand tokens at so many millions per million: what was charged is what the receipt says it cost.
      expect({ status, cost: used?.cost_micros }).toEqual({
        status: 'settled',
        cost: Number(prices?.version) * 1_000,
      });
    }
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  expect(versions.size).toBeGreaterThan(ROUNDS / 2);

  writeFileSync(path, 'not prices');
  server.signal('SIGHUP');
  await expect.poll(server.written).toContain('those from before stay in force');
  expect((await chat(key)).status).toBe(200);
  expect(await server.stop()).toBe(0);
  expect(problemsOf(server.storePath)).toEqual([]);
});

/** Input costs as many micros a token as the version says. */
function pricesOf(version: number): string {
  const models = { demo: { input: version * 1_000_000, output: 1 } };
  return JSON.stringify({ version: String(version), currency: 'USD', models });
}
