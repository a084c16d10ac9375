import type { ChildProcess } from 'node:child_process';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { freePort } from '#test/fakes/server-process.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const START_MS_MAX = 20_000;
const PATH = `${dirname(process.execPath)}:${process.env['PATH']}`;

let bundled: string;
let directory: string;
let started: Started[] = [];

interface Started {
  readonly child: ChildProcess;
  stdout: string;
  stderr: string;
}

beforeAll(() => {
  bundled = mkdtempSync(join(tmpdir(), 'bundle-'));
  execFileSync(process.execPath, ['build.mjs', bundled], { cwd: REPOSITORY, stdio: 'pipe' });
});

afterAll(() => rmSync(bundled, { recursive: true }));

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'first-start-'));
});

afterEach(async () => {
  for (const { child } of started) {
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL'))
      await once(child, 'close');
  }
  started = [];
  rmSync(directory, { recursive: true });
});

function run(program: string, args: readonly string[], env: Record<string, string>): Started {
  const child = spawn(process.execPath, [program, ...args], { cwd: directory, env: { PATH, ...env } });
  const run: Started = { child, stdout: '', stderr: '' };
  child.stdout.on('data', (bytes) => {
    run.stdout += bytes;
  });
  child.stderr.on('data', (bytes) => {
    run.stderr += bytes;
  });
  started.push(run);
  return run;
}

async function serving(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<Started> {
  const server = run(program, args, env);
  await vi.waitUntil(() => server.stderr.includes('Make a key') || server.stderr.includes('\nEOF\n'), {
    timeout: START_MS_MAX,
  });
  return server;
}

async function endOf({ child }: Started, signal?: NodeJS.Signals): Promise<number | null> {
  const closed = once(child, 'close');
  if (signal !== undefined) child.kill(signal);
  return (await closed)[0];
}

async function paste(script: string, cwd: string, env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', ['-euc', script], { cwd, env: { PATH, ...env } });
  return stdout;
}

describe.each([
  { form: 'source', program: () => join(REPOSITORY, 'adapters/cli/main.ts') },
  { form: 'bundle', program: copyBundle },
])('from the $form, in an empty directory, without configuration', ({ program }) => {
  test('it serves, and what it prints works as printed', async () => {
    const PORT = String(await freePort());
    const server = await serving(program(), ['serve'], { PORT });
    const [, token = ''] = /Admin token,.*:\n\n {4}(\S+)\n/.exec(server.stderr) ?? [];
    const [, key = ''] = /A key to try it with,.*:\n\n {4}(\S+)\n/.exec(server.stderr) ?? [];
    expect(server.stderr).toContain('DEMO: no upstream is set.');
    expect(readFileSync(join(directory, 'data/admin-token'), 'utf8')).toBe(`${token}\n`);
    for (const name of ['admin-token', 'pepper']) {
      expect(statSync(join(directory, 'data', name)).mode & 0o777).toBe(0o600);
    }

    const [curl = ''] = /^curl (.+\\\n)+.+$/m.exec(server.stderr) ?? [];
    const answer = JSON.parse(await paste(curl, directory));
    expect(answer.choices[0].message.content).toBe('Hello, proxy!');
    expect(answer.usage).toEqual({ prompt_tokens: 2, completion_tokens: 2, total_tokens: 4 });
    const [sdk = ''] = /^node --input-type=module(.+\n)+EOF$/m.exec(server.stderr) ?? [];
    expect(await paste(sdk, REPOSITORY)).toBe('Hello, proxy!\n');

    expect(await endOf(server, 'SIGTERM')).toBe(0);
    expect(server.stdout).not.toContain(token);
    expect(server.stdout).not.toContain(key);
    const lines = server.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const requested = lines.filter(({ msg }) => msg === 'request').map(({ route }) => route);
    expect(requested).toEqual(['/admin/keys', '/v1/chat/completions', '/v1/chat/completions']);
    expect(lines.at(-1).msg).toBe('stopped');

    const again = await serving(program(), ['serve'], { PORT });
    expect(again.stderr).not.toContain(token);
    expect(again.stderr).not.toContain('sk-');
    const [, command = ''] = /Make a key with: (.+)\n/.exec(again.stderr) ?? [];
    const own = { PORT, STORE_PATH: join(directory, 'data/quota.db') };
    expect(await paste(command, command.startsWith('npm ') ? REPOSITORY : directory, own)).toMatch(
      /^key +sk-\w+$/m,
    );
    expect(await endOf(again, 'SIGINT')).toBe(0);
  });
});

test('without its pepper a database with keys is not served from, and no new one is made', async () => {
  const PORT = String(await freePort());
  const program = copyBundle();
  expect(await endOf(await serving(program, ['serve'], { PORT }), 'SIGTERM')).toBe(0);
  rmSync(join(directory, 'data/pepper'));
  const refused = run(program, ['serve'], { PORT });
  expect(await endOf(refused)).toBe(78);
  expect(refused.stderr).toMatch(
    /^quota-proxy: data\/pepper is missing, and without it none of the 1 keys .*\n$/,
  );
  expect(existsSync(join(directory, 'data/pepper'))).toBe(false);
});

test('demo leaves nothing behind, whatever upstream is set', async () => {
  const env = {
    PORT: String(await freePort()),
    TMPDIR: directory,
    UPSTREAM_BASE_URL: 'http://127.0.0.1:9/v1',
  };
  const server = await serving(copyBundle(), ['demo'], env);
  const before = readdirSync(directory);
  expect(before.some((name) => name.startsWith('quota-proxy-demo-'))).toBe(true);
  expect(server.stderr).toContain('DEMO');
  expect(await endOf(server, 'SIGTERM')).toBe(0);
  expect(readdirSync(directory).sort()).toEqual(['linux-x64.node', 'quota-proxy.mjs'].sort());
});

test('in production nothing is made up: every problem on a line, exit code 78', async () => {
  const refused = run(join(REPOSITORY, 'adapters/cli/main.ts'), [], {
    NODE_ENV: 'production',
    PORT: 'x',
    LOG_LEVEL: 'x',
  });
  expect(await endOf(refused)).toBe(78);
  const lines = refused.stderr.trimEnd().split('\n');
  expect(lines.map((line) => line.split(' ')[1])).toEqual([
    'PORT',
    'LOG_LEVEL',
    'ADMIN_TOKEN',
    'UPSTREAM_API_KEY',
  ]);
  expect(refused.stdout).toBe('');
  expect(readdirSync(directory)).toEqual([]);
});

test('where nothing can listen it says so', async () => {
  const refused = run(join(REPOSITORY, 'adapters/cli/main.ts'), [], { HOST: '192.0.2.1', PORT: '8787' });
  expect(await endOf(refused)).toBe(78);
  expect(refused.stderr).toContain(
    "HOST is '192.0.2.1', which is no address of this machine (PORT 8787): set it to 127.0.0.1",
  );
});

test('LOG_LEVEL=silent is silent', async () => {
  const env = { PORT: String(await freePort()), LOG_LEVEL: 'silent' };
  const server = await serving(join(REPOSITORY, 'adapters/cli/main.ts'), [], env);
  expect(await endOf(server, 'SIGTERM')).toBe(0);
  expect(server.stdout).toBe('');
});

/** Its two files alone, and not where they were built. */
function copyBundle(): string {
  for (const name of readdirSync(bundled).filter((file) => /\.(mjs|node)$/.test(file))) {
    copyFileSync(join(bundled, name), join(directory, name));
  }
  return join(directory, 'quota-proxy.mjs');
}
