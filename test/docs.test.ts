import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Environment } from '#adapters/container/given-settings.ts';
import { givenSettings } from '#adapters/container/given-settings.ts';
import { settings } from '#adapters/container/settings.ts';
import { tracingConfigOf } from '#adapters/container/tracing-config.ts';
import { blocksOf, copyRepository } from './readme-blocks.ts';

const ROOT = join(import.meta.dirname, '..');
const README = blocksOf('README.md');
/** Pages for operators, each in two languages. */
const GUIDES = readdirSync(join(ROOT, 'docs'))
  .filter((name) => name.endsWith('.md') && !name.endsWith('.zh-CN.md'))
  .map((name) => `docs/${name}`);
const PAGES = ['README.md', ...GUIDES].flatMap((page) => [page, inChinese(page)]);

test.each(['README.md', ...GUIDES])('%s prints the same commands in both languages', (page) => {
  expect(blocksOf(inChinese(page))).toEqual(blocksOf(page));
});

test('every command is run by something: here, by CI, or in a container', () => {
  expect(new Set(README.map(({ by }) => by))).toEqual(
    new Set(['setup', 'started', 'real', 'compose', 'backup']),
  );
});

test.each(GUIDES)('every command of %s is run by a suite of its own, or says why not', (page) => {
  const suite = `${page.replace(/^docs\/(.*)\.md$/, '$1-docs')}.test.ts`;
  const path = ['test/stack', 'test/faults', 'test'].map((folder) => `${folder}/${suite}`).find(isThere);
  for (const { by } of blocksOf(page)) {
    if (by !== 'untested') expect(path === undefined ? suite : textOf(path)).toContain(`block('${by}')`);
  }
});

test.each(PAGES)('in %s, a command that no test runs says why', (page) => {
  const lines = textOf(page).split('\n');
  const why = page.endsWith('.zh-CN.md') ? /^此命令未经测试：./ : /^Not run by a test: ./;
  for (const [index, line] of lines.entries())
    if (line === '```sh untested') expect(lines[index - 2]).toMatch(why);
});

test.each(PAGES)('in %s, what a shell runs is fenced as such', (page) => {
  const fences = [...textOf(page).matchAll(/^```(\S.*)$/gm)].map(([, language = '']) => language);
  expect(fences.filter((language) => !/^(sh [a-z]+|js|json|yaml)$/.test(language))).toEqual([]);
});

test.each([...PAGES, 'ARCHITECTURE.md'])('the links of %s lead somewhere', (page) => {
  for (const [, path = '', anchor = ''] of textOf(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
    const target = path === '' ? page : join(dirname(page), path);
    expect(existsSync(join(ROOT, target)), `${page}: ${target}`).toBe(true);
    if (anchor !== '') expect(anchorsOf(target), target).toContain(anchor);
  }
});

/** Every setting, by each of its names. */
const SETTINGS = [
  ...Object.keys(settings.shape),
  ...['BACKUP_ENCRYPTION_KEY', 'BACKUP_ENCRYPTION_KEY_FILE', 'QUOTA_PROXY_URL'],
  ...['DEEPSEEK_API_KEY', 'DEEPSEEK_BASE_URL', 'SQLITE_PATH'],
];
/** Those of OpenTelemetry have another reader, and Compose hands all of them on. */
const OF_TRACES = [...new Set(textOf('docker-compose.yml').match(/\bOTEL_[A-Z_]+/g))];
/** The image says these. */
const OF_THE_IMAGE = /^(NODE_ENV|HOST|PORT|STORE_PATH|SQLITE_PATH|QUOTA_PROXY_URL)$/;
const CONFIGURATION = ['docs/configuration.md', 'docs/configuration.zh-CN.md'];

test.each([
  ...CONFIGURATION.map((page) => ({ page, names: [...SETTINGS, ...OF_TRACES] })),
  { page: '.env.example', names: SETTINGS.filter((name) => !/^(NODE_ENV|QUOTA_PROXY_URL)$/.test(name)) },
  { page: 'docker-compose.yml', names: SETTINGS.filter((name) => !OF_THE_IMAGE.test(name)) },
])('$page has all its settings', ({ page, names }) => {
  const words = new Set(textOf(page).match(/\b[A-Z][A-Z0-9_]+\b/g));
  expect(names.filter((name) => !words.has(name))).toEqual([]);
});

test.each(CONFIGURATION)('%s says what each setting is where it is not set', (page) => {
  const none = page.endsWith('.zh-CN.md') ? '无' : '–';
  const told = defaultsIn(page);
  for (const [name, value] of Object.entries(settings.parse({})))
    expect(told.get(name), name).toBe(`${value}` === '' ? none : `\`${value}\``);
});

test.each(CONFIGURATION)('to set what %s says of OpenTelemetry changes nothing', (page) => {
  const told = [...defaultsIn(page)].flatMap(([name, text]) => {
    const value = /^`(.*)`$/.exec(text)?.[1];
    return OF_TRACES.includes(name) && value !== undefined ? [{ name, value }] : [];
  });
  expect(told).not.toEqual([]);
  for (const { name, value } of told) {
    const sampler = name === 'OTEL_TRACES_SAMPLER_ARG' ? { OTEL_TRACES_SAMPLER: 'traceidratio' } : {};
    expect(tracing({ ...sampler, [name]: value }), name).toEqual(tracing(sampler));
  }

  function tracing(more: Environment) {
    const problems: string[] = [];
    const given = givenSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', ...more }, problems);
    return { config: tracingConfigOf(given, problems), problems };
  }
});

/** What a page says of each setting, in the second column. */
function defaultsIn(page: string): ReadonlyMap<string, string> {
  const rows = textOf(page).matchAll(/^\| `([A-Z0-9_]+)` \| (.*?) \|/gm);
  return new Map([...rows].map(([, name = '', value = '']) => [name, value]));
}

function inChinese(page: string): string {
  return page.replace(/\.md$/, '.zh-CN.md');
}

function isThere(path: string): boolean {
  return existsSync(join(ROOT, path));
}

function textOf(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

/** As GitHub makes them of a page's headings. */
function anchorsOf(page: string): string[] {
  return [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('CI runs the commands of the set-up on a fresh clone', () => {
  const ci = readFileSync(join(ROOT, '.ci/run'), 'utf8');
  const scripts: Record<string, string> = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ).scripts;
  const parts = (command: string) => (scripts[command.replace('npm run ', '')] ?? '').split(' && ');
  for (const command of README.filter(({ by }) => by === 'setup').flatMap(({ script }) =>
    script.trim().split('\n'),
  )) {
    if (command === 'npm start') continue; // run below
    const steps = command === 'npm run check' ? parts(command) : [command];
    for (const step of steps) expect(ci).toContain(step.replace('npm run ', 'npm run --silent '));
  }
});

/** The commands of the README in a copy of the repository, as a newcomer would paste them. */
describe('after `npm start` on a fresh copy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'readme-'));
  let server: ChildProcess;
  let banner = '';

  beforeAll(async () => {
    copyRepository(folder);
    server = await start('npm start');
  });

  afterAll(async () => {
    await stop(server);
    rmSync(folder, { recursive: true });
  });

  async function start(command: string, env = {}): Promise<ChildProcess> {
    // As on a newcomer's machine: nothing else is set.
    const { PATH, HOME } = process.env;
    const started = spawn('bash', ['--norc', '-c', command], {
      cwd: folder,
      env: { PATH, HOME, ...env },
      detached: true,
    });
    banner = '';
    const collect = (part: Buffer) => {
      banner += part.toString();
    };
    started.stdout?.on('data', collect);
    started.stderr?.on('data', collect);
    const said = () => {
      expect(banner).toContain('"msg":"listening"');
      expect(banner).toContain('Everything is kept in');
    };
    await vi.waitFor(said, { timeout: 20_000 });
    return started;
  }

  async function stop(started: ChildProcess): Promise<void> {
    if (started.pid === undefined || started.exitCode !== null) return;
    const exited = new Promise((resolve) => started.once('close', resolve));
    process.kill(-started.pid, 'SIGTERM');
    await exited;
  }

  function run(script: string): Promise<{ stdout: string; stderr: string }> {
    const { PATH, HOME } = process.env;
    return promisify(execFile)('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
      cwd: folder,
      env: { PATH, HOME },
    });
  }

  const started = README.filter(({ by }) => by === 'started');

  test.each(started)('this works: $script', async ({ script }) => {
    const { stdout } = await run(script);
    expect(stdout).not.toContain('"error"');
    expect(stdout.trim()).not.toBe('');
  });

  test('the curl call that is printed at the start works as printed', async () => {
    const curl = /^curl http[\s\S]*?'$/m.exec(banner)?.[0];
    expect((await run(curl ?? 'false')).stdout).toContain('Hello, proxy!');
  });

  test("the SDK's call that is printed at the start works as printed", async () => {
    const snippet = /^node --input-type=module <<'EOF'[\s\S]*?^EOF$/m.exec(banner)?.[0];
    expect((await run(snippet ?? 'false')).stdout).toContain('Hello, proxy!');
  });

  test('with an upstream set it serves that one', async () => {
    await stop(server);
    const [real] = README.filter(({ by }) => by === 'real');
    server = await start(real?.script ?? 'false', {
      UPSTREAM_API_KEY: 'sk-of-the-sponsor-0123456789',
      // Nobody is to be asked with that key.
      UPSTREAM_CHECK: 'false',
    });
    expect(banner).toContain('"upstream":"https://api.deepseek.com/v1","demo":false');
  });
});
