import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import manifest from '#package.json' with { type: 'json' };

const ROOT = join(import.meta.dirname, '..');
const DIGEST = `sha256:${'4e'.repeat(32)}`;
const OTHER = `sha256:${'a1'.repeat(32)}`;
const TAG = `quota-proxy:${manifest.version}`;

let folder: string;
let revision: string;

/** What Docker answers about a base image that a registry has told a digest of; what it was told is in `calls`. */
const DOCKER = `#!/usr/bin/env bash
printf '%q ' "$@" >>"$(dirname "$0")/../calls"; echo >>"$(dirname "$0")/../calls"
if [ "$1 $2" = 'image inspect' ]; then printf '%s' "\${DIGESTS-node@${DIGEST}}"; fi
`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-script-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const name of ['scripts', 'Dockerfile'])
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  writeFileSync(join(folder, '.gitignore'), 'bin/\ncalls\n');
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/docker'), DOCKER, { mode: 0o755 });
  writeFileSync(join(folder, 'calls'), '');
  git('init', '--quiet');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'all', '--date', '2026-01-02T03:04:05+08:00');
  revision = git('rev-parse', 'HEAD');
});

test('image.sh builds on the digest that the registry tells, and labels say of what', async () => {
  expect(await image()).toMatchObject({
    code: 0,
    stderr: '',
    stdout: `${TAG}: ${revision} on node:26-trixie-slim@${DIGEST}\n`,
  });
  const label = '--label org.opencontainers.image';
  expect(calls().split('\n').at(-2)?.trim()).toBe(
    [
      `build --quiet --build-arg NODE_IMAGE=node:26-trixie-slim@${DIGEST}`,
      `${label}.revision=${revision}`,
      `${label}.created=2026-01-02T03:04:05Z`,
      `${label}.base.name=node:26-trixie-slim`,
      `${label}.base.digest=${DIGEST}`,
      `--tag ${TAG} .`,
    ].join(' '),
  );
});

test.each([
  {
    name: 'a base with a digest is taken as it is',
    args: [`--base=node:24@${OTHER}`],
    base: `node:24@${OTHER}`,
  },
  { name: 'another base', args: ['--base', 'mine/node:26'], base: `mine/node:26@${DIGEST}` },
  {
    name: 'one without a digest, where that is meant',
    args: ['--unpinned'],
    env: { DIGESTS: '' },
    base: 'node:26-trixie-slim',
  },
])('image.sh: $name', async ({ args, env = {}, base }) => {
  expect((await image(['--tag', 'mine', '--dry-run', ...args], env)).stdout).toBe(
    `Would build mine of ${revision} on ${base}\n`,
  );
  expect(calls()).not.toContain('build');
});

test.each([
  {
    name: 'no digest is known',
    break: () => undefined,
    env: { DIGESTS: '' },
    says: /^image\.sh: no registry has told a digest of node:26-trixie-slim: .*--unpinned/,
  },
  {
    name: 'something is not committed',
    break: () => writeFileSync(join(folder, 'new'), ''),
    env: {},
    says: /^image\.sh: something here is not committed .*: commit it first\n$/,
  },
  {
    name: 'there is no repository',
    break: () => rmSync(join(folder, '.git'), { recursive: true }),
    env: { GIT_CEILING_DIRECTORIES: tmpdir() },
    says: /image\.sh: this is no git clone, so no commit can be named: use docker build\n$/,
  },
])('image.sh builds nothing where $name', async ({ break: breakIt, env, says }) => {
  breakIt();
  const { code, stderr } = await image([], env);
  expect(code).toBe(1);
  expect(stderr).toMatch(says);
  expect(calls()).not.toContain('build');
});

test.each([['--base='], ['--tag'], ['now']])('image.sh %s is wrong usage', async (...args) => {
  expect(await image(args)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/--help shows what there is\n$/),
  });
});

function calls(): string {
  return readFileSync(join(folder, 'calls'), 'utf8');
}

function git(...args: readonly string[]): string {
  const who = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.org' };
  const when = {
    GIT_COMMITTER_NAME: 'c',
    GIT_COMMITTER_EMAIL: 'c@example.org',
    GIT_COMMITTER_DATE: '2026-01-02T03:04:05Z',
  };
  const env = { ...process.env, ...who, ...when };
  return execFileSync('git', ['-C', folder, '-c', 'commit.gpgsign=false', ...args], {
    env,
    encoding: 'utf8',
  }).trim();
}

interface Ran {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function image(args: readonly string[] = [], given: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, ...given };
  return new Promise((resolve) => {
    execFile(join(folder, 'scripts/image.sh'), args, { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr }),
    );
  });
}
