import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProgram } from '#adapters/cli/create-program.ts';
import { hintOf } from '#core/secret.ts';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';
import { blocksOf } from '#test/readme-blocks.ts';

const ROOT = join(import.meta.dirname, '..');
const PAGES = ['docs/command-line.md', 'docs/command-line.zh-CN.md'];
/** A server starts in this time on a busy machine, too. */
const START_MS_MAX = 30_000;

describe.each(PAGES)('%s', (page) => {
  const rows = [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^\| `([a-z][^`]*)` \|.*\| (.*)\|$/gm)];
  const told = new Map(
    rows.map(([, command = '', options = '']) => [
      command.replace(/ [A-Z]+$/, ''),
      [...options.matchAll(/`(--[a-z-]+)`/g)].map(([, name]) => name),
    ]),
  );

  test('every command is there with its options, and none that does not exist', () => {
    const program = createProgram(() => undefined);
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(commandsOf(program)));
  });
});

/** Commands that do something, each with its options but for those that are everywhere. */
function commandsOf(command: Command, path: readonly string[] = []): [string, (string | undefined)[]][] {
  const visible = command.createHelp().visibleCommands(command);
  const inner = visible.filter((each) => each.name() !== 'help');
  const isGroup = path.length === 0 || (inner.length > 0 && command.options.length === 0);
  const names = command.options.map(({ long }) => long).filter((name) => name !== '--json');
  return [
    ...(isGroup ? [] : [[path.join(' '), names] as [string, (string | undefined)[]]]),
    ...inner.flatMap((each) => commandsOf(each, [...path, each.name()])),
  ];
}

describe('the commands of docs/command-line.md, as printed', () => {
  const blocks = blocksOf('docs/command-line.md');
  const block = (word: string) => blocks.find(({ by }) => by === word)?.script ?? '';
  let folder: string;
  let server: ServerProcess;
  let upstream: UpstreamServer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'command-line-docs-'));
    upstream = await startUpstreamServer((_, response) => sendJson(response, completion(10, 5)));
    server = await startServer({
      directory: folder,
      upstreamUrl: upstream.baseUrl,
      env: { APPLICATIONS: 'true' },
    });
    await mkdir(join(folder, 'bin'));
    const main = join(ROOT, 'adapters/cli/main.ts');
    const command = join(folder, 'bin/quota-proxy');
    await writeFile(command, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
    await chmod(command, 0o755);
    await writeFile(join(folder, '.env'), `PORT=8787\nADMIN_TOKEN=${SERVER_ADMIN_TOKEN}\n`);
  }, START_MS_MAX);

  afterAll(async () => {
    await server.stop();
    await upstream.close();
    await rm(folder, { recursive: true });
  });

  async function run(script: string): Promise<string> {
    const env = { PATH: `${folder}/bin:${process.env['PATH']}`, HOME: folder };
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
      env,
      cwd: folder,
    });
    return stdout;
  }

  /** The port of the page is somebody else's here. */
  const connect = () => block('connect').replace('http://127.0.0.1:8787', server.baseUrl);
  const onlyConnected = () => connect().replace('quota-proxy status\n', '');
  const named = () =>
    `ID=$(quota-proxy keys list --search Ada --json | grep -m 1 '"id"' | cut -d '"' -f 4)\n`;

  test('it finds the server, and a key is made and changed', async () => {
    expect(connect()).not.toBe(block('connect'));
    const said = await run(connect() + block('keys'));
    expect(said).toMatch(new RegExp(`^upstream +${upstream.baseUrl}$`, 'm'));
    expect(said).toMatch(/^quotas +0 of 80 requests per day$/m);
    expect(said).toMatch(/^models +deepseek-chat$/m);
    expect((await server.admin.keys.list()).items).toMatchObject([{ label: 'Ada', status: 'active' }]);
  });

  test('usage is told, drawn, and told again and again', async () => {
    const said = await run(onlyConnected() + named() + block('usage') + block('watch'));
    expect(said).toMatch(/^Requests per day, /m);
    expect(said).toContain('Tokens per day, 2026-11-01 to 2026-11-30');
    expect(JSON.parse(said.trim().split('\n').at(-1) ?? '')).toMatchObject({ items: [], mode: 'sqlite' });
  });

  test('what else there is to look at', async () => {
    const said = await run(onlyConnected() + named() + block('look'));
    expect(said).toMatch(/^requests per day +5000 /m);
    expect(said).toMatch(/ keys\.create /);
    expect(said).toMatch(/^ +\d+ +yes$/m);
    expect((await server.admin.sponsor.get()).quotas).toEqual([]);
  });

  test('a key gets a new secret beside its old one, and what is told twice is done once', async () => {
    const said = await run(onlyConnected() + named() + block('rotate') + block('once'));
    const [rotated, made, again] = [...said.matchAll(/^\s*key +(sk-\w+)/gm)].map(([, secret = '']) => secret);
    expect(made).toMatch(/^sk-/);
    expect(again).toBe(made);
    const { items } = await server.admin.keys.list();
    expect(items).toMatchObject([
      { label: 'Bob', key: hintOf(made ?? '') },
      { label: 'Ada', key: hintOf(rotated ?? ''), previous_key: { ends_at: expect.any(Number) } },
    ]);
  });

  test('who applies is approved, and rejected after all', async () => {
    await fetch(`${server.baseUrl}/v1/applications`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Cleo' }),
    });
    const said = await run(onlyConnected() + block('applications'));
    expect(said).toContain('Cleo');
    expect((await server.admin.applications.list()).items).toMatchObject([
      { name: 'Cleo', status: 'rejected', rejection_reason: 'Full this month; ask again in December.' },
    ]);
  });

  test('usage goes on where a page of it ended, and is replayed against other limits', async () => {
    for (const _ of ['one key', 'another']) {
      const { key } = await server.admin.keys.create();
      for (let calls = 0; calls < 2; calls += 1) expect((await server.chat(key)).status).toBe(200);
    }
    const { items } = await server.admin.usage.read();
    expect(items).toHaveLength(2);
    const said = await run(onlyConnected() + named() + block('more') + block('whatif'));
    const [page = '', replayed = ''] = said.split(/^KEY /m);
    expect(items.map(({ key }) => page.includes(String(key)))).toEqual([false, true]);
    expect(replayed).toMatch(
      /^Of 4 requests from .*, 2 \(50\.0 %\) would have been refused: 2 for a quota\.$/m,
    );
  });

  test('the shells find what they complete by', async () => {
    await run(onlyConnected() + block('bash') + block('zsh') + block('fish'));
    expect(existsSync(join(folder, '.local/share/bash-completion/completions/quota-proxy'))).toBe(true);
    const env = { PATH: `${folder}/bin:${process.env['PATH']}`, HOME: folder, LC_ALL: 'C.UTF-8' };
    const shell = promisify(execFile);
    const zsh = await shell('zsh', ['-c', 'source ~/.zshrc; print -r -- $_comps[quota-proxy]'], { env });
    expect(zsh.stdout).toBe('_quota-proxy\n');
    const fish = await shell('fish', ['-c', 'complete -C "quota-proxy ke"'], { env });
    expect(fish.stdout).toMatch(/^keys\t/);
  });
});
