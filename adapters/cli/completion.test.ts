import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import { candidates } from './candidates.ts';
import { COMPLETION_SCRIPTS } from './completion-scripts.ts';
import { createProgram } from './create-program.ts';

const MAIN = join(import.meta.dirname, 'main.ts');

/** A server starts in this time on a busy machine, too. */
const START_MS_MAX = 30_000;

let directory: string;
let server: ServerProcess;
let key: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'completion-'));
  server = await startServer({ directory, upstreamUrl: 'http://127.0.0.1:9/v1' });
  key = (await server.admin.keys.create({ body: { label: '张三: the "first"' } })).id;
  const command = join(directory, 'quota-proxy');
  await writeFile(command, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  await chmod(command, 0o755);
  for (const [shell, script] of Object.entries(COMPLETION_SCRIPTS))
    await writeFile(join(directory, `completion.${shell}`), script);
}, START_MS_MAX);

afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

/** What a real shell offers at the end of these words. */
const shells: Readonly<Record<string, (words: readonly string[]) => Promise<string[]>>> = {
  bash: (words) =>
    run(
      'bash',
      '--norc',
      '-c',
      `source "$DIRECTORY/completion.bash"
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
      _quota_proxy
      printf '%s\\n' "\${COMPREPLY[@]}"`,
      'bash',
      ...words,
    ),
  // The two functions of zsh's own system are what the script ends in: here they say what they were given.
  zsh: (words) =>
    run(
      'zsh',
      '-f',
      '-c',
      `compdef() { registered=$2 }
      _describe() { print -rl -- "\${(@P)2}" }
      _files() { print files }
      source "$DIRECTORY/completion.zsh"
      [[ $registered == quota-proxy ]] || exit 9
      words=("$@"); CURRENT=$#
      _quota_proxy`,
      'zsh',
      ...words,
    ),
  fish: (words) =>
    run(
      'fish',
      '--no-config',
      '-c',
      `source $DIRECTORY/completion.fish; complete -C $argv[1]`,
      words.join(' '),
    ),
};

async function run(command: string, ...args: string[]): Promise<string[]> {
  const env = {
    ...{
      PATH: `${directory}:${process.env['PATH']}`,
      HOME: directory,
      DIRECTORY: directory,
      LC_ALL: 'C.UTF-8',
    },
    ...{ QUOTA_PROXY_URL: server.baseUrl, ADMIN_TOKEN: SERVER_ADMIN_TOKEN },
  };
  const { stdout } = await promisify(execFile)(command, args, { env, cwd: directory });
  return stdout.split('\n').filter((line) => line !== '');
}

/** Without what it means, as each shell writes it. */
const valuesOf = (lines: readonly string[]) => lines.map((line) => line.replace(/[\t:].*$/, ''));

describe.each(Object.entries(shells))('%s', (shell, complete) => {
  test('completes commands', async () => {
    const inKeys = valuesOf(await complete(['quota-proxy', 'keys', '']));
    expect(inKeys).toEqual(expect.arrayContaining(['create', 'list', 'show', 'delete', 'update']));
  });

  test('completes the ids of keys, and says whose they are', async () => {
    const lines = await complete(['quota-proxy', 'keys', 'show', key.slice(0, 4)]);
    expect(valuesOf(lines)).toEqual([key]);
    if (shell !== 'bash') expect(lines[0]).toContain('张三');
  });

  test('offers files where nothing else is meant', async () => {
    const offered = await complete(['quota-proxy', 'import', 'completion.ba']);
    expect(offered).toEqual({ bash: [], zsh: ['files'], fish: ['completion.bash'] }[shell]);
  });
});

describe('candidates', () => {
  const known = { keys: async () => [{ value: 'K1', description: 'Ada' }] };
  const offered = async (...words: string[]) =>
    (
      await candidates(
        createProgram(() => undefined),
        words,
        known,
      )
    ).map(({ value }) => value);

  test('at the beginning: every command, and no hidden one', async () => {
    const commands = await offered('');
    expect(commands).toEqual(
      expect.arrayContaining([
        'serve',
        'demo',
        'keys',
        'usage',
        'requests',
        'sponsor',
        'operations',
        'completion',
      ]),
    );
    expect(commands).not.toContain('complete');
  });

  test.each([
    { words: ['keys', 'list', '--s'], offers: ['--status', '--search'] },
    { words: ['keys', 'list', '--status', ''], offers: ['active', 'disabled', 'expired', 'deleted'] },
    { words: ['keys', 'list', '--status', 'd'], offers: ['disabled', 'deleted'] },
    { words: ['keys', 'list', '--status', 'active', '--s'], offers: ['--search'] },
    { words: ['keys', 'create', '--quota', '1 cost/day', '--qu'], offers: ['--quota'] },
    { words: ['keys', 'list', '--limit', ''], offers: [] },
    { words: ['keys', 'show', ''], offers: ['K1'] },
    { words: ['keys', 'show', 'K1', ''], offers: [] },
    { words: ['keys', 'show', 'K1', '--'], offers: ['--json', '--help'] },
    { words: ['usage', '--key', ''], offers: ['K1'] },
    { words: ['usage', '--plot', 't'], offers: ['tokens'] },
    { words: ['usage', '--plot', '--w'], offers: ['--watch'] },
    { words: ['usage', '--watch', '5', 'r'], offers: ['reset'] },
    { words: ['usage', 'reset', ''], offers: ['K1'] },
    { words: ['completion', ''], offers: ['bash', 'zsh', 'fish'] },
    { words: ['backup', 'now', '--to', ''], offers: [] },
    { words: ['nonsense', ''], offers: [] },
  ])('$words', async ({ words, offers }) => {
    expect(await offered(...words)).toEqual(offers);
  });
});
