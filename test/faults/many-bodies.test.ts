import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';
import { residentMemory } from './resident-memory.ts';

const MIB = 1024 * 1024;
/** What of the container's 256 MiB an idle server, which takes 70, and its streams leave over. */
const GROWTH_BYTES_MAX = 156 * MIB;
const BODIES = 10;
const BODY = JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'x'.repeat(9.9 * MIB) }] });

let directory: string;
let upstream: UpstreamServer;
let server: ServerProcess;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bodies-'));
  // Whoever was let in is still there when the last one comes.
  upstream = await startUpstreamServer(async (_call, response) => {
    await sleep(2_000);
    sendJson(response, completion(3, 4));
  });
});

afterEach(async () => {
  await server.kill9();
  await upstream.close();
  await rm(directory, { recursive: true });
});

/** Sends many of the largest bodies at once. What became of them, and how much memory that took at its highest. */
async function flood(env: Readonly<Record<string, string>>) {
  const image = { NODE_OPTIONS: '--max-semi-space-size=16' };
  server = await startServer({ directory, upstreamUrl: upstream.baseUrl, env: { ...image, ...env } });
  const { key } = await server.admin.keys.create({ body: { label: 'Ada' } });
  const { peakBytes } = residentMemory(server.pid);
  const replies = await Promise.all(Array.from({ length: BODIES }, () => ask(key)));
  return { key, replies, grownBytes: residentMemory(server.pid).peakBytes - peakBytes };
}

async function ask(key: string) {
  const reply = await fetch(`${server.baseUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: BODY,
  });
  return { status: reply.status, text: await reply.text(), after: reply.headers.get('retry-after') };
}

test('S8: many of the largest bodies at once are served as far as there is room, the others told to wait', async () => {
  const { key, replies, grownBytes } = await flood({});
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200, 503]));
  for (const { status, text, after } of replies) {
    if (status === 200) continue;
    expect(JSON.parse(text).error).toMatchObject({ type: 'server_error', code: 'server_busy' });
    expect(after).toBe('2');
  }
  expect(grownBytes).toBeLessThan(GROWTH_BYTES_MAX);
  // What was refused reached nobody and cost nothing, and there is room again.
  const { items } = await server.admin.requests.list({ query: { limit: 200 } });
  expect(items).toHaveLength(upstream.seen.length);
  expect((await ask(key)).status).toBe(200);
});

test('the control: with room for all of them they take more than the container has', async () => {
  const { replies, grownBytes } = await flood({ MAX_BODIES_BYTES: String(1024 * MIB) });
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
  expect(grownBytes).toBeGreaterThan(GROWTH_BYTES_MAX);
});
