import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const COMMAND = `'${process.execPath}' '${MAIN}' usage --watch 1`;

/** A server starts in this time on a busy machine, too. */
const START_MS_MAX = 30_000;

let directory: string;
let upstream: UpstreamServer;
let server: ServerProcess;
let key: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'watch-'));
  upstream = await startUpstreamServer((_call, response) => sendJson(response, completion(10, 5)));
  server = await startServer({ directory, upstreamUrl: upstream.baseUrl });
  ({ key } = await server.admin.keys.create({ body: { label: 'Ada' } }));
  await (await server.chat(key)).text();
}, START_MS_MAX);

afterAll(async () => {
  await server.stop();
  await upstream.close();
  await rm(directory, { recursive: true });
});

/** A command that goes on, and what it has written so far. */
function start(command: string, args: readonly string[]) {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, QUOTA_PROXY_URL: server.baseUrl, ADMIN_TOKEN: SERVER_ADMIN_TOKEN };
  const child = spawn(command, args, { env, stdio: 'pipe' });
  onTestFinished(() => void child.kill('SIGKILL'));
  let written = '';
  child.stdout.on('data', (bytes: Buffer) => (written += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (written += bytes.toString()));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  /** Resolves when it has written so much; ends with the test's own time limit if it never does. */
  async function until(has: (written: string) => boolean): Promise<string> {
    while (!has(written)) await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), ended]);
    return written;
  }
  return { child, ended, until };
}

const roundsIn = (written: string) => written.match(/^total/gm)?.length ?? 0;

test('in a terminal it draws in one place, with what is new, until Ctrl-C, and gives the cursor back', async () => {
  const { child, ended, until } = start('script', [
    ...['--quiet', '--return', '--command', `stty rows 30 cols 60; exec ${COMMAND}`, '/dev/null'],
  ]);
  const first = await until((written) => /total +1 /.test(written));
  expect(first).toContain('\x1b[?25l\x1b[?7l\x1b[2J\x1b[HDAY');
  await (await server.chat(key)).text();
  const next = await until((written) => /total +2 /.test(written));
  expect(next.split('\x1b[H').length).toBeGreaterThan(2);
  for (const line of next.split(/\r?\n/)) expect(plain(line).length).toBeLessThanOrEqual(60);
  child.stdin.write('\x03');
  expect(await ended).toBe(0);
  expect(await until(() => true)).toContain('\x1b[?7h\x1b[?25h');
});

test('elsewhere it writes plain lines, one after another, until it is interrupted', async () => {
  const { child, ended, until } = start('sh', ['-c', `exec ${COMMAND}`]);
  const written = await until((text) => roundsIn(text) >= 2);
  expect(written).not.toContain('\x1b');
  child.kill('SIGINT');
  expect(await ended).toBe(0);
});

test('for a script it writes JSON, a line each time, and ends when nobody reads on', async () => {
  const { child, ended, until } = start('sh', ['-c', `${COMMAND} --json | head -n 2; echo over`]);
  const lines = (await until((text) => text.includes('over\n'))).trim().split('\n');
  expect(lines.slice(0, 2).map((line) => JSON.parse(line).totals.success_count)).toEqual([2, 2]);
  expect(await ended).toBe(0);
  expect(child.exitCode).toBe(0);
});

test('it goes on trying while the server is away', async () => {
  const other = await mkdtemp(join(tmpdir(), 'watch-away-'));
  onTestFinished(() => rm(other, { recursive: true }));
  const away = await startServer({ directory: other, upstreamUrl: upstream.baseUrl });
  const { child, ended, until } = start('sh', ['-c', `QUOTA_PROXY_URL=${away.baseUrl} exec ${COMMAND}`]);
  await until((text) => text.includes('Nothing.'));
  await away.stop();
  const told = await until((text) => text.includes('Trying again.'));
  expect(told).toContain(
    `quota-proxy: There is no answer from ${away.baseUrl} (ECONNREFUSED). Is the proxy running? Trying again.`,
  );
  child.kill('SIGINT');
  expect(await ended).toBe(0);
});

function plain(text: string): string {
  return text
    .split('\x1b')
    .map((part) => part.replace(/^\[[?\d]*[A-Za-z]/, ''))
    .join('');
}
