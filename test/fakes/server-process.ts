import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AdminClient } from '#handlers/admin/client.ts';
import { createAdminClient } from '#handlers/admin/client.ts';

export const SERVER_ADMIN_TOKEN = 'f3a9c07e51d84b62a1c9e0d7b4268fa1';
const REPOSITORY = join(import.meta.dirname, '../..');
const MAIN = join(REPOSITORY, 'adapters/cli/main.ts');
/** Far beyond any start on a busy machine; only a broken one gets there. */
const START_MS_MAX = 20_000;
const PAUSE_MS = 10;

/** The real server, as a process of its own, from source. */
export interface ServerProcess {
  readonly pid: number;
  readonly port: number;
  readonly baseUrl: string;
  readonly storePath: string;
  readonly admin: AdminClient;
  /** What it wrote so far to standard output and standard error. */
  written(): string;
  /** Sends a chat completion with a key. */
  chat(key: string, body?: object): Promise<Response>;
  signal(name: NodeJS.Signals): void;
  /** The exit code, once it has ended; `null` if a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Ends it at once, as a crash would. */
  kill9(): Promise<void>;
  /** Ends it as an orchestrator would, and says with which code it went. */
  stop(): Promise<number | null>;
}

export interface ServerOptions {
  /** Where the database is; the same directory again is a restart. */
  readonly directory: string;
  readonly upstreamUrl: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What the process is started by: a command that ends in starting the one that follows. */
  readonly under?: readonly string[];
}

/** Starts a server, and resolves when it is ready to serve. @throws Error with what it wrote if it is not */
export async function startServer({
  directory,
  upstreamUrl,
  env = {},
  under = [],
}: ServerOptions): Promise<ServerProcess> {
  const settings = {
    ADMIN_TOKEN: SERVER_ADMIN_TOKEN,
    UPSTREAM_BASE_URL: upstreamUrl,
    UPSTREAM_API_KEY: 'sk-upstream-key-of-the-tests',
    // Tests count what the upstream was asked for.
    UPSTREAM_CHECK: 'false',
    ENABLE_RATE_LIMIT: 'false',
    DAILY_REQ_LIMIT: '0',
    STORE_PATH: join(directory, 'quota.db'),
    PORT: '0',
    ...env,
  };
  const child = run(['serve'], settings, under);
  let written = '';
  child.stdout?.on('data', (bytes: Buffer) => (written += bytes.toString()));
  child.stderr?.on('data', (bytes: Buffer) => (written += bytes.toString()));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const baseUrl = await listening(child, () => written);
  return {
    pid: child.pid ?? 0,
    port: Number(new URL(baseUrl).port),
    baseUrl,
    storePath: join(directory, 'quota.db'),
    admin: createAdminClient({ baseUrl, token: env['ADMIN_TOKEN'] ?? SERVER_ADMIN_TOKEN, fetch }),
    written: () => written,
    chat: (key, body = {}) =>
      fetch(`${baseUrl}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hi' }], ...body }),
      }),
    signal: (name) => void child.kill(name),
    ended,
    async kill9() {
      child.kill('SIGKILL');
      await ended;
    },
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the command line to its end. */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  under: readonly string[] = [],
): Promise<CommandResult> {
  const child = run(args, env, under);
  const stuck = setTimeout(() => child.kill('SIGKILL'), START_MS_MAX);
  const [[code], stdout, stderr] = await Promise.all([
    once(child, 'close') as Promise<[number | null]>,
    child.stdout === null ? '' : text(child.stdout),
    child.stderr === null ? '' : text(child.stderr),
  ]);
  clearTimeout(stuck);
  return { code, stdout, stderr };
}

/**
 * A port that nobody listens on just now, of those below the ones that systems give to connections (RFC 6335; Linux
 * begins at 32768): a port of these may be another connection's own before the server is there.
 */
export async function freePort(): Promise<number> {
  const server = createServer();
  for (;;) {
    const port = randomInt(10_000, 32_768);
    const listens = once(server.listen(port), 'listening').then(
      () => true,
      () => false,
    );
    if (!(await listens)) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

function run(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  under: readonly string[],
): ChildProcess {
  const { PATH = '', HOME = '' } = process.env;
  const [command = '', ...rest] = [...under, process.execPath, MAIN, ...args];
  return spawn(command, rest, {
    // Nothing of the environment that the tests run in but what a process needs to start.
    env: { PATH, HOME, ...env },
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Where the server says that it listens: by then it has opened everything. */
async function listening(child: ChildProcess, written: () => string): Promise<string> {
  for (let waitedMs = 0; waitedMs < START_MS_MAX && child.exitCode === null; waitedMs += PAUSE_MS) {
    const [, url] = /^\{.*"url":"([^"]+)".*"msg":"listening"\}$/m.exec(written()) ?? [];
    if (url !== undefined) return url;
    await sleep(PAUSE_MS);
  }
  child.kill('SIGKILL');
  throw new Error(`the server did not start (${child.exitCode}): ${written()}`);
}
