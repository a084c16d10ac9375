import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '#adapters/sqlite/database.ts';
import { LIMITS } from '#adapters/sqlite/limits.ts';
import { openWriter } from '#adapters/sqlite/writer.ts';
import { calendarOf } from '#core/window.ts';
import { keyNumber, reserving, settling, usageOf } from '#test/conformance/specimens.ts';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';
import { patternOf } from './known-messages.ts';
import { problemsOf } from './ledger-file.ts';
import { troubleLines } from './trouble-lines.ts';

const MIB = 1024 ** 2;
const KEY = keyNumber(1);

let directory: string;
let server: ServerProcess | undefined;
let upstream: UpstreamServer | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'log-'));
});
afterEach(async () => {
  await server?.kill9();
  await upstream?.close();
  [server, upstream] = [undefined, undefined];
  rmSync(directory, { recursive: true });
});

test('D7: while somebody reads, the log stays under its cap, what is under way ends, and it goes on by itself', () => {
  const { path, writer, walBytes } = openCapped(MIB);
  const reader = readingFrom(path);
  let asked = 0;
  let refused = 0;
  for (; asked < 2_000; asked += 20) {
    const calls = Array.from(
      { length: 20 },
      (_, index) => ['execute', reserving(asked + index, KEY)] as const,
    );
    refused += writer.answer(calls).filter(({ kind }) => kind === 'unavailable').length;
  }
  expect(refused).toBeGreaterThan(1_000);
  // One group more than the cap, whatever is asked for.
  expect(walBytes()).toBeLessThan(1.2 * MIB);
  expect(writer.answer([['check']])).toMatchObject([
    { kind: 'unavailable', message: expect.stringContaining('may not grow any more') },
  ]);
  expect(
    writer.answer([
      ['execute', settling(1, KEY, usageOf(1, 1))],
      ['amendKey', KEY.id, { at: KEY.createdAt, disabled: false }, null],
    ]),
  ).toMatchObject([{ kind: 'done', value: { ended: true } }, { kind: 'done' }]);

  reader.close();
  expect(writer.answer([['check']])).toMatchObject([{ kind: 'done' }]);
  expect(walBytes()).toBeLessThan(MIB / 4);
  expect(writer.answer([['execute', reserving(asked, KEY)]])).toMatchObject([{ kind: 'done' }]);
  writer.close();
  expect(problemsOf(path)).toEqual([]);
});

test('D7: the same requests make the log as long as they like, where it has no cap', () => {
  const { path, writer, walBytes } = openCapped(Number.POSITIVE_INFINITY);
  const reader = readingFrom(path);
  for (let asked = 0; asked < 400; asked += 1) writer.answer([['execute', reserving(asked, KEY)]]);
  expect(walBytes()).toBeGreaterThan(2 * MIB);
  reader.close();
  writer.close();
});

test('D7: status and metrics tell how long the log is, and one line that nothing is begun', async () => {
  upstream = await startUpstreamServer((_call, response) => sendJson(response, completion(10, 5)));
  const running = await startServer({ directory, upstreamUrl: upstream.baseUrl });
  server = running;
  const { key } = await running.admin.keys.create({ body: { label: 'D7' } });
  const reader = readingFrom(running.storePath);
  expect((await running.chat(key)).status).toBe(200);
  // As if that had gone on for hours. Beyond its last commit SQLite reads nothing of a log.
  truncateSync(`${running.storePath}-wal`, 300 * MIB);
  expect((await running.admin.status.get()).warnings).toContainEqual(
    expect.stringMatching(patternOf('logLong')),
  );
  expect((await running.chat(key)).status).toBe(200);
  truncateSync(`${running.storePath}-wal`, 1024 * MIB);
  const seen = upstream.seen.length;
  const reply = await running.chat(key);
  expect({ status: reply.status, body: await reply.json() }).toMatchObject({
    status: 503,
    body: { error: { code: 'store_unavailable' } },
  });
  expect(upstream.seen).toHaveLength(seen);
  expect(await metric(running, 'quota_proxy_store_wal_bytes')).toBe(1024 * MIB);
  expect((await running.admin.keys.list({})).items).toHaveLength(1);
  expect((await fetch(`${running.baseUrl}/healthz`)).status).toBe(503);

  reader.close();
  // Nobody asks for anything: it notices by itself.
  await expect.poll(() => troubleLines(running), { timeout: 10_000 }).toHaveLength(2);
  expect(troubleLines(running)).toEqual(
    (['logFull', 'wellAgain'] as const).map((name) => expect.stringMatching(patternOf(name))),
  );
  expect((await running.chat(key)).status).toBe(200);
  expect(await metric(running, 'quota_proxy_store_wal_bytes')).toBeLessThan(MIB);
  expect(await running.stop()).toBe(0);
  expect(problemsOf(running.storePath)).toEqual([]);
});

function openCapped(logBytesMax: number) {
  const path = join(directory, 'quota.db');
  const writer = openWriter(openDatabase(path), calendarOf('UTC'), { ...LIMITS, logBytesMax });
  writer.answer([['addKey', KEY, null]]);
  return { path, writer, walBytes: () => statSync(`${path}-wal`).size };
}

/** Somebody with the sqlite3 command, in a transaction that sees the database as it is now. */
function readingFrom(path: string): Database.Database {
  const reader = new Database(path, { readonly: true });
  reader.exec('BEGIN; SELECT count(*) FROM keys');
  return reader;
}

async function metric({ baseUrl }: ServerProcess, name: string): Promise<number> {
  const reply = await fetch(`${baseUrl}/metrics`, {
    headers: { authorization: `Bearer ${SERVER_ADMIN_TOKEN}` },
  });
  const [, value = 'none'] = new RegExp(`^${name} (.*)$`, 'm').exec(await reply.text()) ?? [];
  return Number(value);
}
