import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const SCRIPTS = readdirSync(join(ROOT, 'scripts'), { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.sh'),
);
const CONTENT = 'a database, as far as this test is concerned\n';
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const DAY_MS = 24 * 3_600_000;

test.each(SCRIPTS)('shellcheck finds nothing in %s', async (name) => {
  const { code, stdout } = await ran('shellcheck', [join(ROOT, 'scripts', name)]);
  if (code === 'ENOENT') expect.fail('shellcheck is needed here: apt-get install shellcheck');
  expect(stdout).toBe('');
  expect(code).toBe(0);
});

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scripts-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(join(ROOT, 'scripts'), join(folder, 'scripts'), { recursive: true });
  writeFileSync(join(folder, 'docker-compose.yml'), '');
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/docker'), DOCKER, { mode: 0o755 });
});

/** What `docker compose` answers while the service runs; what it was told to do is in the file `calls`. */
const DOCKER = `#!/usr/bin/env bash
echo "$*" >>"$(dirname "$0")/../calls"
case "$*" in
  *' ps '*) echo "\${RUNS-0123456789ab}" ;;
  *' backup now '*) [ -z "\${NO_COPY-}" ] && echo '{"file": "x", "bytes": 45, "sha256": "${SHA256}"}' ;;
  *' cp '*) printf '%s' "\${COPIED-${CONTENT}}" >"\${!#}" ;;
esac
`;

function backup(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const PATH = `${join(folder, 'bin')}:${process.env['PATH']}`;
  return ran(join(folder, 'scripts/backup.sh'), args, { PATH, ...env });
}

/** Copies that were made so many days ago. */
function olderCopies(...days: readonly number[]): readonly string[] {
  mkdirSync(join(folder, 'backups'), { recursive: true });
  return days.map((ago) => {
    const time = new Date(Date.now() - ago * DAY_MS - 60_000).toISOString();
    const name = `quota-${time.replace(/[-:]|\.\d+/g, '')}.db`;
    for (const suffix of ['', '.sha256']) writeFileSync(join(folder, 'backups', name + suffix), '');
    return name;
  });
}

function kept(): readonly string[] {
  return readdirSync(join(folder, 'backups')).sort();
}

test.each([
  { name: 'line ends of Windows', as: (name: string, value: string) => `${name}=${value}\r\n` },
  { name: 'a byte order mark', as: (name: string, value: string) => `\u{FEFF}${name}=${value}\n` },
  { name: 'export', as: (name: string, value: string) => `export ${name}=${value}\n` },
  { name: 'blanks and a comment', as: (name: string, value: string) => ` ${name} = ${value} # mine\n` },
  { name: 'quotes around nothing', as: (name: string, value: string) => `${name}=${value || "''"}\n` },
])('deploy.sh reads settings as Compose does, with $name', async ({ as }) => {
  const settings = [as('UPSTREAM_API_KEY', 'sk-1'), as('ADMIN_TOKEN', ''), as('PRICES_FILE', 'prices.json')];
  writeFileSync(join(folder, 'host.env'), settings.join('').replaceAll(/\n\u{FEFF}/gu, '\n'));
  writeFileSync(join(folder, 'prices.json'), '{}');
  const script =
    'set -euo pipefail; env_file=host.env; . scripts/settings.sh; settings | bash scripts/host/env.sh .';
  expect(await ran('bash', ['-c', `cd "$0"; ${script}`, folder])).toMatchObject({ code: 0, stderr: '' });
  const env = readFileSync(join(folder, '.env'), 'utf8');
  expect(env).toMatch(/^UPSTREAM_API_KEY=sk-1( # mine)?$/m);
  expect(env).toMatch(/^PRICES_FILE=\/etc\/quota-proxy\/prices\.json$/m);
  expect(env.match(/ADMIN_TOKEN.*/g)).toEqual([expect.stringMatching(/^ADMIN_TOKEN=[0-9a-f]{64}$/)]);
});

test('backup.sh keeps a copy and its checksum, for their owner alone, and leaves nothing in the container', async () => {
  expect(await backup([])).toMatchObject({ code: 0, stderr: '' });
  const [copy = '', checksum = ''] = kept();
  expect(copy).toMatch(/^quota-\d{8}T\d{6}Z\.db$/);
  expect(readFileSync(join(folder, 'backups', copy), 'utf8')).toBe(CONTENT);
  expect(readFileSync(join(folder, 'backups', checksum), 'utf8')).toBe(`${SHA256}  ${copy}\n`);
  for (const name of kept()) expect(statSync(join(folder, 'backups', name)).mode & 0o777).toBe(0o600);
  const calls = readFileSync(join(folder, 'calls'), 'utf8');
  const [, inside = ''] = /backup now --to (\S+)/.exec(calls) ?? [];
  expect(inside).toMatch(/^\/data\/(?!spool)/);
  expect(calls.trimEnd().split('\n').at(-1)).toBe(`compose exec -T quota-proxy rm -f ${inside}`);
});

test('backup.sh deletes what is older than it is told, after the new copy is there', async () => {
  const files = olderCopies(1, 2, 3, 8, 9);
  writeFileSync(join(folder, 'backups/quota-notes.db'), '');
  const { code, stdout } = await backup(['--keep', '7']);
  expect(code).toBe(0);
  expect(kept()).toEqual(expect.arrayContaining([...files.slice(0, 3), 'quota-notes.db']));
  for (const name of files.slice(3)) expect(kept().join()).not.toContain(name);
  expect(stdout.match(/^Deleted /gm)).toHaveLength(2);
});

test('backup.sh never deletes the newest three', async () => {
  const files = olderCopies(100, 200, 300, 400);
  expect(await backup(['--keep=1'])).toMatchObject({ code: 0 });
  expect(kept().filter((name) => name.endsWith('.db'))).toHaveLength(3);
  expect(kept()).toEqual(expect.arrayContaining(files.slice(0, 2)));
});

test('backup.sh --project looks for docker-compose.yml, and keeps its copies, somewhere else', async () => {
  const project = join(folder, 'elsewhere');
  mkdirSync(project);
  const without = await backup(['--project', project]);
  expect(without).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/no docker-compose.yml in .*elsewhere/),
  });
  writeFileSync(join(project, 'docker-compose.yml'), '');
  expect(await backup(['--project', project])).toMatchObject({ code: 0 });
  expect(readdirSync(join(project, 'backups'))).toHaveLength(2);
});

test('backup.sh --dry-run says what it would do, and does nothing', async () => {
  const files = olderCopies(100, 200, 300);
  const { code, stdout } = await backup(['--dry-run']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Would make .*\/backups\/quota-\d{8}T\d{6}Z\.db$/m);
  expect(stdout).toContain(`Would delete ${folder}/backups/${files[2]}`);
  expect(kept()).toHaveLength(6);
  expect(readFileSync(join(folder, 'calls'), 'utf8')).not.toContain('backup now');
});

test.each([
  { name: 'the service is down', env: { RUNS: '' }, says: /start it with docker compose up -d --wait/ },
  {
    name: 'no copy is made',
    env: { NO_COPY: '1' },
    says: /no copy was made .*nothing was changed or deleted/,
  },
  {
    name: 'the copy changes on its way',
    env: { COPIED: 'else' },
    says: /its SHA-256 is .* Nothing was kept or deleted/,
  },
])('backup.sh deletes nothing when $name', async ({ env, says }) => {
  olderCopies(100, 200, 300, 400);
  const { code, stderr } = await backup([], env);
  expect(code).toBe(1);
  expect(stderr).toMatch(says);
  expect(kept()).toHaveLength(8);
});

test.each([['--project'], ['--keep', '0'], ['--keep'], ['--keep', 'x'], ['--dir'], ['--dir='], ['now']])(
  'backup.sh %s %s is wrong usage',
  async (...args) => {
    const { code, stderr } = await backup(args.filter((arg) => arg !== undefined));
    expect(code).toBe(2);
    expect(stderr).toMatch(/--help shows what there is\n$/);
  },
);

interface Ran {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function ran(file: string, args: readonly string[], env = {}): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(file, args, { env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr }),
    );
  });
}
