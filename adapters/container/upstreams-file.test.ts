import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BREAKER_RULE } from '#core/breaker.ts';
import { configProblems } from '#test/fakes/config-problems.ts';
import { readConfig, readDemoConfig } from './config.ts';
import { readUpstreams } from './upstreams-file.ts';

const ROOT = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'upstreams-'));
afterAll(() => rmSync(folder, { recursive: true }));

const KEYS = {
  UPSTREAM_1_KEY: 'sk-1',
  UPSTREAM_2_KEY: 'sk-2',
  UPSTREAM_3_KEY: 'sk-3',
  UPSTREAM_4_KEY: 'sk-4',
};
const ONE = { name: 'one', base_url: 'http://a/v1' };

function fileWith(...upstreams: object[]): string {
  const path = join(folder, 'upstreams.json');
  writeFileSync(path, JSON.stringify({ upstreams }));
  return path;
}

function problemsOf(...upstreams: object[]): readonly string[] {
  const path = fileWith(...upstreams);
  return configProblems({ UPSTREAMS_FILE: path, KEY_ONE: 'sk-one' }).map((problem) => {
    expect(problem.startsWith(`UPSTREAMS_FILE is '${path}': `)).toBe(true);
    return problem.slice(`UPSTREAMS_FILE is '${path}': `.length);
  });
}

test('the example is read, with all that it leaves out', () => {
  const { upstreams } = readConfig({ ...KEYS, UPSTREAMS_FILE: 'docs/examples/upstreams/upstreams.json' });
  expect(upstreams.map(({ name, apiKey }) => [name, apiKey])).toEqual([
    ['deepseek-1', 'sk-1'],
    ['deepseek-2', 'sk-2'],
    ['reserve', 'sk-3'],
    ['own-machine', null],
    ['anthropic', 'sk-4'],
  ]);
  expect(upstreams[2]).toEqual({
    name: 'reserve',
    baseUrl: 'https://openrouter.ai/api/v1',
    apiKey: 'sk-3',
    models: { exact: new Map([['deepseek-chat', 'deepseek/deepseek-chat']]), prefixes: [] },
    dialects: ['openai', 'anthropic'],
    weight: 1,
    priority: 1,
    maxConcurrency: null,
    queueLengthMax: 100,
    queueWaitMsMax: 30_000,
    breaker: { windowMs: 30_000, samplesMin: 10, failureShare: 0.5, openMs: 15_000 },
    settings: { baseUrl: 'its base_url', apiKey: 'UPSTREAM_3_KEY' },
  });
  expect(upstreams[0]).toMatchObject({ models: { prefixes: ['deepseek-'] }, weight: 3, maxConcurrency: 20 });
  expect(upstreams[4]).toMatchObject({ dialects: ['anthropic'] });
});

test.each(['docs/upstreams.md', 'docs/upstreams.zh-CN.md'])('what %s shows is a part of it', (page) => {
  const [, shown = ''] = /^```json\n([\s\S]*?)^```$/m.exec(readFileSync(join(ROOT, page), 'utf8')) ?? [];
  const variable = (name: string) => new Map(Object.entries(KEYS)).get(name);
  expect(readUpstreams(shown, { variable, file: () => '' })).toMatchObject({ ok: true });
  const example = JSON.parse(readFileSync(join(ROOT, 'docs/examples/upstreams/upstreams.json'), 'utf8'));
  for (const upstream of JSON.parse(shown).upstreams) expect(example.upstreams).toContainEqual(upstream);
});

test('a key is in a file, without the line’s end', () => {
  const path = join(folder, 'key');
  writeFileSync(path, 'sk-in-a-file\n');
  const { upstreams } = readConfig({ UPSTREAMS_FILE: fileWith({ ...ONE, api_key_file: path }) });
  expect(upstreams).toMatchObject([{ apiKey: 'sk-in-a-file', settings: { apiKey: path } }]);
});

test('what a breaker has of its own goes beside what is usual', () => {
  const own = { samples_min: 3, open_ms: 60_000 };
  const { upstreams } = readConfig({ UPSTREAMS_FILE: fileWith({ ...ONE, breaker: own }) });
  expect(upstreams[0]?.breaker).toEqual({ ...BREAKER_RULE, samplesMin: 3, openMs: 60_000 });
});

test.each([
  { name: 'no upstream', upstreams: [], says: ['upstreams: must hold one upstream at least'] },
  {
    name: 'a name twice',
    upstreams: [ONE, ONE],
    says: ['upstreams: two have the same name: each needs one of its own'],
  },
  {
    name: 'all that is wrong with it',
    upstreams: [
      { ...ONE, base_url: 'ftp://a', weight: 0, api_key: 'sk-x' },
      { name: 'a b', base_url: 'http://a/v1/chat/completions', models: [] },
    ],
    says: [
      'upstream one → base_url: must be a URL such as https://api.deepseek.com/v1',
      'upstream one → weight: must be a whole number from 1 to 1000',
      expect.stringContaining('api_key'),
      expect.stringMatching(/^upstreams → 1 → name: must be 1 to 40 letters/),
      expect.stringContaining('leave out /chat/completions'),
      'upstream a b → models: must name one model at least: leave it out for all',
    ],
  },
  {
    name: 'a key, a name and a member that are not there, beside each other',
    upstreams: [{ ...ONE, api_key_env: 'NOWHERE' }, { ...ONE, wieght: 3 }, { base_url: 5 }, []],
    says: [
      'upstream one: api_key_env names NOWHERE, which is not set: set it to the key',
      'upstreams: two have the same name: each needs one of its own',
      'upstream one: does not take wieght',
      'upstreams → 2 → name: is missing',
      'upstreams → 2 → base_url: must be a string',
      'upstreams → 3: must be an object',
    ],
  },
  {
    name: 'a breaker that cannot be',
    upstreams: [
      { ...ONE, breaker: { window_ms: 999, samples_min: 0, failure_share: 1.5, open_ms: '1' } },
      { ...ONE, name: 'two', breaker: { failure_share: 0, close_ms: 1 } },
    ],
    says: [
      'upstream one → breaker → window_ms: must be a whole number from 1000 to 3600000',
      'upstream one → breaker → samples_min: must be a whole number from 1 to 10000',
      'upstream one → breaker → failure_share: must be a number above 0, and at most 1',
      'upstream one → breaker → open_ms: must be a whole number from 1 to 3600000',
      'upstream two → breaker → failure_share: must be a number above 0, and at most 1',
      'upstream two → breaker: does not take close_ms',
    ],
  },
  {
    name: 'a dialect that nobody speaks, and none',
    upstreams: [
      { ...ONE, dialects: ['openai', 'gemini'] },
      { ...ONE, name: 'two', dialects: [] },
    ],
    says: [
      'upstream one → dialects → 1: must be openai or anthropic',
      'upstream two → dialects: must name one dialect at least: leave it out for both',
    ],
  },
  {
    name: 'a key that is not there',
    upstreams: [
      { ...ONE, api_key_env: 'NOWHERE' },
      { ...ONE, name: 'two', api_key_file: '/nowhere/key' },
    ],
    says: [
      'upstream one: api_key_env names NOWHERE, which is not set: set it to the key',
      expect.stringMatching(/^upstream two: api_key_file '\/nowhere\/key' cannot be read \(ENOENT/),
    ],
  },
  {
    name: 'two places for a key',
    upstreams: [{ ...ONE, api_key_env: 'KEY_ONE', api_key_file: 'x' }],
    says: ['upstream one: has api_key_env and api_key_file: leave one of them out'],
  },
  {
    name: 'the key in the place of its name',
    upstreams: [{ ...ONE, api_key_env: 'sk-secret' }],
    says: ['upstream one → api_key_env: must be the name of a variable, not the key itself'],
  },
  {
    name: 'a * in the middle',
    upstreams: [{ ...ONE, models: ['a*b'] }],
    says: [expect.stringContaining('upstream one → models')],
  },
])('$name is told', ({ upstreams, says }) => {
  const problems = problemsOf(...upstreams);
  expect(problems).toHaveLength(says.length);
  for (const said of says) expect(problems).toContainEqual(said);
});

test('a placeholder is no key, and no key is ever in a problem', () => {
  const path = fileWith({ ...ONE, api_key_env: 'KEY_ONE' });
  const problems = configProblems({ UPSTREAMS_FILE: path, KEY_ONE: 'your-key-here' });
  expect(problems).toEqual([
    `UPSTREAMS_FILE is '${path}': upstream one: the key in KEY_ONE is a placeholder: paste the key of the upstream`,
  ]);
});

test.each(['{', '[]', '"x"'])('a file that is %s is told, and one that is not there', (text) => {
  const path = join(folder, 'odd.json');
  writeFileSync(path, text);
  expect(configProblems({ UPSTREAMS_FILE: path })).toHaveLength(1);
  expect(configProblems({ UPSTREAMS_FILE: join(folder, 'nowhere') })[0]).toContain('cannot be read');
});

test('beside the single upstream it is a problem, by the name that was used', () => {
  const path = fileWith(ONE);
  expect(configProblems({ UPSTREAMS_FILE: path, DEEPSEEK_API_KEY: 'k' })).toEqual([
    'UPSTREAMS_FILE and DEEPSEEK_API_KEY are set: unset one of them, or write all into the file',
  ]);
  expect(configProblems({ UPSTREAMS_FILE: path, UPSTREAM_BASE_URL: 'http://b/v1' })).toHaveLength(1);
});

test('it is an upstream in production, and none in a demonstration', () => {
  const path = fileWith(ONE);
  const env = { NODE_ENV: 'production', ADMIN_TOKEN: 'f3a9c07e51d84b62a1c9e0d7b4268fa1' };
  expect(configProblems({ ...env, UPSTREAMS_FILE: path })).toEqual([]);
  expect(configProblems(env)).toHaveLength(1);
  expect(readDemoConfig(() => '/made', { UPSTREAMS_FILE: path }).upstreams).toEqual([]);
});
