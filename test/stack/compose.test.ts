import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAdminClient } from '#handlers/admin/client.ts';
import { freePort } from '#test/fakes/server-process.ts';
import type { Aimock } from './aimock.ts';
import { ANSWER, startAimock } from './aimock.ts';
import { ADMIN_TOKEN, describeStack, REPOSITORY } from './docker.ts';
import type { Ran } from './docker-command.ts';
import { docker } from './docker-command.ts';

describeStack('docker compose up, as the README says', () => {
  let upstream: Aimock;
  let directory: string;
  let port: number;
  let env: Readonly<Record<string, string>>;

  beforeAll(async () => {
    upstream = await startAimock();
    directory = await mkdtemp(join(tmpdir(), 'compose-'));
    port = await freePort();
    env = {
      ADMIN_TOKEN,
      UPSTREAM_BASE_URL: upstream.baseUrl,
      UPSTREAM_API_KEY: 'sk-upstream-key-of-the-stack',
      UPSTREAM_CHECK: 'false',
      DRAIN_TIMEOUT_MS: '2000',
    };
    await writeFile(join(directory, 'override.yml'), overrideOf(port, upstream.network));
  });

  afterAll(async () => {
    await compose('down', '--volumes', '--rmi', 'all', '--timeout', '5');
    await upstream?.stop();
    await rm(directory, { recursive: true });
  });

  test('without an admin token nothing starts, and the message says what to do', async () => {
    const { code, stderr } = await composeWith({ UPSTREAM_API_KEY: 'sk-1' }, 'up', '--detach', '--build');
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/ADMIN_TOKEN[^\n]*openssl rand/);
    expect((await compose('ps', '--all', '--quiet')).stdout).toBe('');
  });

  test('with one it becomes healthy, and the client streams through the published port', async () => {
    expect(await compose('up', '--detach', '--build', '--wait')).toMatchObject({ code: 0 });
    const baseUrl = `http://127.0.0.1:${port}`;
    const admin = createAdminClient({ baseUrl, token: ADMIN_TOKEN, fetch });
    const { key } = await admin.keys.create({ body: { label: 'compose' } });
    const client = new OpenAI({ apiKey: key, baseURL: `${baseUrl}/v1` });
    const messages = [{ role: 'user' as const, content: 'Will anything be lost?' }];
    const stream = await client.chat.completions.create({ model: 'deepseek-chat', messages, stream: true });
    let text = '';
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
    expect(text).toBe(ANSWER);
    expect(await upstream.journal()).toHaveLength(1);
  });

  test('it runs as the file says: without rights, on a file system that it cannot write to', async () => {
    const { stdout } = await compose('ps', '--quiet');
    const id = stdout.trim();
    const { HostConfig, Config } = await inspected(id);
    expect(Config.User).toBe('1000:1000');
    expect(HostConfig).toMatchObject({
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      Memory: 256 * 1024 * 1024,
      MemoryReservation: 128 * 1024 * 1024,
      PidsLimit: 256,
      RestartPolicy: { Name: 'unless-stopped' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
      PortBindings: { '8787/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] },
    });
    expect(HostConfig.SecurityOpt).toContain('no-new-privileges:true');
    expect((await inside('id', '-u')).stdout.trim()).toBe('1000');
    expect((await inside('touch', '/app/written')).stderr).toMatch(/Read-only file system/);
    expect((await inside('touch', '/data/written', '/tmp/written')).code).toBe(0);
    expect((await inside('sqlite3', '/data/quota.db', '.tables')).stdout).toMatch(/\bledger\b/);
    expect(await inside('quota-proxy', 'doctor')).toMatchObject({ code: 0 });
  });

  test('told to stop it exits with 0, and what was counted is there at the next start', async () => {
    const id = (await compose('ps', '--quiet')).stdout.trim();
    expect(await compose('stop')).toMatchObject({ code: 0 });
    expect((await inspected(id)).State).toMatchObject({ ExitCode: 0, OOMKilled: false });
    expect(await compose('up', '--detach', '--wait')).toMatchObject({ code: 0 });
    const counted = "SELECT count(*) FROM ledger WHERE kind = 'settled'";
    expect((await inside('sqlite3', '/data/quota.db', counted)).stdout.trim()).toBe('1');
  });

  function inside(...command: string[]): Promise<Ran> {
    return compose('exec', '-T', 'quota-proxy', ...command);
  }

  function compose(...args: string[]): Promise<Ran> {
    return composeWith(env, ...args);
  }

  /** The real file; only what must differ on a shared machine is overridden, and no `.env` of a person's is read. */
  function composeWith(given: Readonly<Record<string, string>>, ...args: string[]): Promise<Ran> {
    const files = [
      '--file',
      join(REPOSITORY, 'docker-compose.yml'),
      '--file',
      join(directory, 'override.yml'),
    ];
    const project = ['--project-name', `quota-proxy-test-${port}`, '--env-file', '/dev/null'];
    return docker(given, 'compose', ...project, ...files, ...args);
  }
});

/** A free port, an image name of the tests' own, and the network that the upstream is on. */
function overrideOf(port: number, network: string): string {
  return `
services:
  quota-proxy:
    image: quota-proxy-test:compose
    ports: !override ["127.0.0.1:${port}:8787"]
networks:
  default:
    name: ${network}
    external: true
`;
}

async function inspected(id: string) {
  const [found] = JSON.parse((await docker({}, 'inspect', id)).stdout);
  return found;
}
