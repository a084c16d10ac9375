import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProgram } from '#adapters/cli/create-program.ts';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
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

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'command-line-docs-'));
    server = await startServer({ directory: folder, upstreamUrl: 'http://127.0.0.1:9/v1' });
    await mkdir(join(folder, 'bin'));
    const main = join(ROOT, 'adapters/cli/main.ts');
    const command = join(folder, 'bin/quota-proxy');
    await writeFile(command, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
    await chmod(command, 0o755);
    await writeFile(join(folder, '.env'), `PORT=8787\nADMIN_TOKEN=${SERVER_ADMIN_TOKEN}\n`);
  }, START_MS_MAX);

  afterAll(async () => {
    await server.stop();
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
    expect(said).toMatch(/^upstream +http:\/\/127\.0\.0\.1:9\/v1$/m);
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
