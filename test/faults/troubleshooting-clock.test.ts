import { existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { runCommand, SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';
import type { MessageName } from './known-messages.ts';
import { patternOf } from './known-messages.ts';
import { problemsOf } from './ledger-file.ts';
import { troubleLines } from './trouble-lines.ts';

// Debian's package faketime; elsewhere it may lie in lib64.
const [LIBRARY = ''] = globSync('/usr/lib*/{,*/}faketime/libfaketimeMT.so.1');

let directory: string;
let upstream: UpstreamServer;
let server: ServerProcess | undefined;

beforeEach(async () => {
  expect(existsSync(LIBRARY), 'this needs libfaketime: apt-get install faketime').toBe(true);
  upstream = await startUpstreamServer((_call, response) => sendJson(response, completion(10, 5)));
  directory = mkdtempSync(join(tmpdir(), 'clock-trouble-'));
});

afterEach(async () => {
  await server?.kill9();
  server = undefined;
  rmSync(directory, { recursive: true });
  await upstream.close();
});

const HOUR = 3_600_000;

test.each([
  // The next hour's window is another one; that of an hour ago is over, and is not filled again.
  { name: 'forward', says: 'setForward', shiftMs: HOUR, statuses: [200, 200, 200, 429] },
  { name: 'back', says: 'setBack', shiftMs: -HOUR, statuses: [200, 200, 429, 429] },
] as const)(
  'D12: a clock that is set an hour $name is one line, and no window is filled twice',
  async (row) => {
    // From the middle of an hour, so that no other begins meanwhile.
    const toHalfPastMs = 1.5 * HOUR - (Date.now() % HOUR);
    setClock(toHalfPastMs);
    const running = await start();
    const quotas = [{ meter: 'requests' as const, period: 'hour' as const, limit: 3 }];
    const { key } = await running.admin.keys.create({ body: { label: 'Ada', quotas } });
    expect((await running.chat(key)).status).toBe(200);
    setClock(toHalfPastMs + row.shiftMs);
    await onlyLine(running, row.says);
    expect(troubleLines(running)[0]).toContain('by 1 h 0 min, to ');
    const { now, warnings, troubles } = await running.admin.status.get();
    expect(Math.abs(now - Date.now() - toHalfPastMs - row.shiftMs)).toBeLessThan(60_000);
    expect(troubles).toMatchObject([{ name: 'clock' }]);
    expect(warnings).toContain(troubles[0]?.message);
    const statuses = [];
    for (let asked = 0; asked < row.statuses.length; asked += 1)
      statuses.push((await running.chat(key)).status);
    expect(statuses).toEqual(row.statuses);
    expect(troubleLines(running)).toHaveLength(1);
    expect(await running.stop()).toBe(0);
    expect(problemsOf(running.storePath)).toEqual([]);
  },
);

test('a clock that is behind the ledger at the start is one line, and it serves', async () => {
  setClock(2 * HOUR);
  const ahead = await start();
  const { key } = await ahead.admin.keys.create({ body: { label: 'Ada' } });
  expect((await ahead.chat(key)).status).toBe(200);
  expect(await ahead.stop()).toBe(0);

  setClock(0);
  const behind = await start();
  await onlyLine(behind, 'behind');
  expect(troubleLines(behind)[0]).toMatch(/, [12] h \d+ min before the last entry/);
  expect((await behind.chat(key)).status).toBe(200);
  expect((await behind.admin.status.get()).troubles).toMatchObject([{ name: 'clock' }]);
});

test.each(['@1970-01-01 00:00:10', '@2100-01-01 00:00:00'])(
  'with a clock of %s nothing is begun',
  async (at) => {
    const path = join(directory, 'data', 'quota.db');
    const { code, stdout, stderr } = await runCommand(['serve'], {
      ADMIN_TOKEN: SERVER_ADMIN_TOKEN,
      UPSTREAM_API_KEY: 'sk-upstream-key-of-the-tests',
      STORE_PATH: path,
      PORT: '0',
      LD_PRELOAD: LIBRARY,
      FAKETIME: at,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^quota-proxy: [^\n]+\n$/);
    expect(stderr).toMatch(patternOf('impossibleClock'));
    expect(stderr).toContain(at.slice(1, 11));
    expect(existsSync(join(directory, 'data'))).toBe(false);
  },
);

function start(): Promise<ServerProcess> {
  const env = {
    LD_PRELOAD: LIBRARY,
    FAKETIME_TIMESTAMP_FILE: clockFile(),
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  return startServer({ directory, upstreamUrl: upstream.baseUrl, env }).then((started) => {
    server = started;
    return started;
  });
}

/** Puts the clock of what was started so much before, or behind, that of this machine. */
function setClock(offsetMs: number): void {
  const seconds = Math.round(offsetMs / 1000);
  writeFileSync(clockFile(), `${seconds < 0 ? '' : '+'}${seconds}\n`);
}

function clockFile(): string {
  return join(directory, 'clock');
}

async function onlyLine(running: ServerProcess, name: MessageName): Promise<void> {
  await expect.poll(() => troubleLines(running), { timeout: 10_000 }).toHaveLength(1);
  expect(troubleLines(running)[0]).toMatch(patternOf(name));
}
