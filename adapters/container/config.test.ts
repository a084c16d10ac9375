import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configProblems } from '#test/fakes/config-problems.ts';
import type { Config } from './config.ts';
import { readConfig, readDemoConfig, readToolConfig } from './config.ts';
import { onlyUpstream } from './upstreams-file.ts';

const TOKEN = 'f3a9c07e51d84b62a1c9e0d7b4268fa1';
const OTHER = '0b5de8f3c2714a9686d1e7f4a3c90b25';
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'config-'));
});

afterAll(() => rmSync(directory, { recursive: true }));

function fileWith(text: string): string {
  const path = join(directory, `file-${text.length}`);
  writeFileSync(path, text);
  return path;
}

test('without an environment everything has its default', () => {
  expect(readConfig({})).toEqual({
    production: false,
    adminTokens: [],
    adminTokenPath: 'data/admin-token',
    metricsTokens: [],
    adminAddresses: null,
    corsOrigins: [],
    trustedProxies: [],
    upstreams: [],
    upstreamCheck: true,
    connectTimeoutMs: 10_000,
    headersTimeoutMs: 600_000,
    silenceTimeoutMs: 540_000,
    exchangeMsMax: 1_800_000,
    host: '127.0.0.1',
    port: 8787,
    storePath: './data/quota.db',
    logLevel: 'info',
    requestsPerMinute: 60,
    dailyRequestLimit: 200,
    keyExpiryDays: 30,
    keyPrefix: 'sk-',
    operationLog: true,
    applications: null,
    applicationsDays: 90,
    ledgerDays: 0,
    timeZone: 'UTC',
    pepper: null,
    pepperPath: 'data/pepper',
    pricesPath: null,
    prices: null,
    bodyBytesMax: 10_485_760,
    connectionsMax: 512,
    clientStallMs: 60_000,
    bodiesBytesMax: 20_971_520,
    authFailuresPerMinute: 20,
    drainTimeoutMs: 25_000,
    backup: null,
    webhook: null,
    abnormal: { authFailuresMax: 20, addressesMax: 8, dayMultiple: 5 },
    restoreIfMissing: false,
    tracing: null,
  });
});

const settings: { env: Record<string, string>; config: Partial<Config> }[] = [
  { env: { ADMIN_TOKEN: TOKEN }, config: { adminTokens: [TOKEN] } },
  { env: { ADMIN_TOKEN: ` ${TOKEN} , ${OTHER},` }, config: { adminTokens: [TOKEN, OTHER] } },
  { env: { METRICS_TOKEN: `${TOKEN},${OTHER}` }, config: { adminTokens: [], metricsTokens: [TOKEN, OTHER] } },
  {
    env: { UPSTREAM_API_KEY: 'sk-1' },
    config: { upstreams: [onlyUpstream('https://api.deepseek.com/v1', 'sk-1')] },
  },
  {
    env: { UPSTREAM_BASE_URL: 'http://ollama:11434/v1' },
    config: { upstreams: [onlyUpstream('http://ollama:11434/v1', null)] },
  },
  {
    env: { DEEPSEEK_BASE_URL: 'http://d/v1', DEEPSEEK_API_KEY: 'k' },
    config: { upstreams: [onlyUpstream('http://d/v1', 'k')] },
  },
  {
    env: { DEEPSEEK_API_KEY: 'k', UPSTREAM_API_KEY: 'k' },
    config: { upstreams: [onlyUpstream('https://api.deepseek.com/v1', 'k')] },
  },
  { env: { HOST: '::', PORT: '0' }, config: { host: '::', port: 0 } },
  {
    env: { STORE_PATH: '/d/q.db' },
    config: { storePath: '/d/q.db', pepperPath: '/d/pepper', adminTokenPath: '/d/admin-token' },
  },
  { env: { SQLITE_PATH: '/s/q.db' }, config: { storePath: '/s/q.db' } },
  { env: { LOG_LEVEL: 'silent' }, config: { logLevel: 'silent' } },
  { env: { ENABLE_RATE_LIMIT: 'false', MAX_REQUESTS_PER_MINUTE: '9' }, config: { requestsPerMinute: 0 } },
  { env: { ENABLE_RATE_LIMIT: 'TRUE', MAX_REQUESTS_PER_MINUTE: '9' }, config: { requestsPerMinute: 9 } },
  { env: { DAILY_REQ_LIMIT: '0', KEY_EXPIRY_DAYS: '0' }, config: { dailyRequestLimit: 0, keyExpiryDays: 0 } },
  {
    env: { KEY_PREFIX: 'team_', ENABLE_OPERATION_LOG: 'off' },
    config: { keyPrefix: 'team_', operationLog: false },
  },
  { env: { LEDGER_DAYS: '32' }, config: { ledgerDays: 32 } },
  { env: { QUOTA_TIMEZONE: 'Asia/Shanghai' }, config: { timeZone: 'Asia/Shanghai' } },
  { env: { APPLICATIONS: 'on' }, config: { applications: { perHour: 5, pendingMax: 200 } } },
  {
    env: { APPLICATIONS: 'true', APPLICATIONS_PER_HOUR: '1', APPLICATIONS_PENDING_MAX: '0' },
    config: { applications: { perHour: 1, pendingMax: 0 } },
  },
  {
    env: { APPLICATIONS_PER_HOUR: '9', APPLICATIONS_DAYS: '0' },
    config: { applications: null, applicationsDays: 0 },
  },
  { env: { KEY_PEPPER: OTHER }, config: { pepper: OTHER } },
  {
    env: { MAX_BODY_BYTES: '2048', DRAIN_TIMEOUT_MS: '0' },
    config: { bodyBytesMax: 2048, drainTimeoutMs: 0 },
  },
  {
    env: { UPSTREAM_TIMEOUT_MS: '5', UPSTREAM_CONNECT_TIMEOUT_MS: '6' },
    config: { headersTimeoutMs: 5, connectTimeoutMs: 6 },
  },
  {
    env: { UPSTREAM_SILENCE_TIMEOUT_MS: '7', UPSTREAM_EXCHANGE_TIMEOUT_MS: '600000' },
    config: { silenceTimeoutMs: 7, exchangeMsMax: 600_000 },
  },
  { env: { PORT: '', ADMIN_TOKEN: ' ' }, config: { port: 8787, adminTokens: [] } },
];
test.each(settings)('$env', ({ env, config }) => {
  expect(readConfig(env)).toMatchObject(config);
});

describe('each problem is one line that names the variable, what was given, and the way out', () => {
  test.each([
    {
      env: { ADMIN_TOKEN: 'your-secure-admin-token-here' },
      says: /^ADMIN_TOKEN: has fewer than 32 characters: make one/,
    },
    {
      env: { ADMIN_TOKEN: 'your-secure-admin-token-here-and-longer' },
      says: /^ADMIN_TOKEN: is a placeholder/,
    },
    { env: { ADMIN_TOKEN: 'please-change-me-please-change-me-0' }, says: /^ADMIN_TOKEN: is a placeholder/ },
    { env: { ADMIN_TOKEN: 'a'.repeat(40) }, says: /^ADMIN_TOKEN: is a placeholder/ },
    { env: { ADMIN_TOKEN: `${TOKEN},short` }, says: /^ADMIN_TOKEN: has fewer/ },
    { env: { ADMIN_TOKEN: ',,' }, says: /^ADMIN_TOKEN: holds no token/ },
    { env: { ADMIN_TOKEN: `${TOKEN}é` }, says: /^ADMIN_TOKEN: .*no header can carry/ },
    { env: { METRICS_TOKEN: 'short' }, says: /^METRICS_TOKEN: has fewer than 32 characters: make one/ },
    { env: { METRICS_TOKEN: 'a'.repeat(40) }, says: /^METRICS_TOKEN: is a placeholder/ },
    { env: { UPSTREAM_API_KEY: 'your-api-key' }, says: /^UPSTREAM_API_KEY: is a placeholder/ },
    { env: { DEEPSEEK_API_KEY: 'a b' }, says: /^DEEPSEEK_API_KEY: .*no header can carry/ },
    {
      env: { UPSTREAM_BASE_URL: 'api.deepseek.com' },
      says: /^UPSTREAM_BASE_URL is 'api.deepseek.com': must be a URL/,
    },
    { env: { DEEPSEEK_BASE_URL: 'ftp://x' }, says: /^DEEPSEEK_BASE_URL is 'ftp:\/\/x': must be a URL/ },
    {
      env: { UPSTREAM_BASE_URL: 'https://u:p@x/v1' },
      says: /^UPSTREAM_BASE_URL is 'https:\/\/…@x\/v1': must not hold credentials/,
    },
    {
      env: { UPSTREAM_BASE_URL: 'https://x/v1?key=sk-1' },
      says: /^UPSTREAM_BASE_URL is 'https:\/\/x\/v1\?…': must not have a query/,
    },
    {
      env: { UPSTREAM_BASE_URL: 'https://ada:a/b@x/v1' },
      says: /^UPSTREAM_BASE_URL is 'https:\/\/…@x\/v1': /,
    },
    { env: { UPSTREAM_BASE_URL: 'https:ada:hush@x/v1' }, says: /^UPSTREAM_BASE_URL is 'https:…@x\/v1': / },
    { env: { UPSTREAM_BASE_URL: 'https://x/v1#sk-1' }, says: /^UPSTREAM_BASE_URL is 'https:\/\/x\/v1#…': / },
    { env: { UPSTREAM_BASE_URL: 'https://x/v1/chat/completions' }, says: /leave out \/chat\/completions/ },
    {
      env: { UPSTREAM_API_KEY: 'a', DEEPSEEK_API_KEY: 'b' },
      says: /^UPSTREAM_API_KEY and DEEPSEEK_API_KEY stand for the same and differ/,
    },
    { env: { STORE_PATH: 'a', SQLITE_PATH: 'b' }, says: /^STORE_PATH and SQLITE_PATH .*unset one/ },
    { env: { STORE_PATH: ':memory:' }, says: /^STORE_PATH is ':memory:': must be the path of a file/ },
    {
      env: { STORE_URL: 'postgres://x' },
      says: /^STORE_URL is set, and this version keeps everything in SQLite/,
    },
    { env: { NODE_ENV: 'prod' }, says: /^NODE_ENV is 'prod': must be production, development or test$/ },
    { env: { HOST: 'a b' }, says: /^HOST is 'a b': must be an address of this machine/ },
    { env: { S3_REGION: 'a b' }, says: /^S3_REGION is 'a b': must be the name of a region/ },
    {
      env: { AWS_SESSION_TOKEN: 'a b' },
      says: /^AWS_SESSION_TOKEN: has characters that no header can carry/,
    },
    { env: { PORT: '99999' }, says: /^PORT is '99999': must be a whole number from 0 to 65535$/ },
    { env: { PORT: '80.5' }, says: /^PORT is '80.5'/ },
    { env: { LOG_LEVEL: 'loud' }, says: /^LOG_LEVEL is 'loud': must be one of trace/ },
    { env: { ENABLE_RATE_LIMIT: 'maybe' }, says: /^ENABLE_RATE_LIMIT is 'maybe': must be true or false/ },
    { env: { MAX_REQUESTS_PER_MINUTE: '0' }, says: /^MAX_REQUESTS_PER_MINUTE is '0'/ },
    { env: { DAILY_REQ_LIMIT: '-1' }, says: /^DAILY_REQ_LIMIT is '-1'/ },
    { env: { KEY_EXPIRY_DAYS: '1e3' }, says: /^KEY_EXPIRY_DAYS is '1e3'/ },
    {
      env: { LEDGER_DAYS: '31' },
      says: /^LEDGER_DAYS is '31': must be 0, which keeps everything, or at least 32/,
    },
    { env: { LEDGER_DAYS: '-1' }, says: /^LEDGER_DAYS is '-1': must be a whole number from 0 to 36500$/ },
    { env: { KEY_PREFIX: 's k' }, says: /^KEY_PREFIX is 's k'/ },
    { env: { ENABLE_OPERATION_LOG: '2' }, says: /^ENABLE_OPERATION_LOG is '2'/ },
    { env: { QUOTA_TIMEZONE: 'Mars/Olympus' }, says: /^QUOTA_TIMEZONE is 'Mars\/Olympus': .*IANA/ },
    { env: { KEY_PEPPER: 'salt' }, says: /^KEY_PEPPER: has fewer than 32/ },
    {
      env: { KEY_PEPPER_FILE: '/nowhere/pepper' },
      says: /^KEY_PEPPER_FILE is '\/nowhere\/pepper': the file cannot be read/,
    },
    {
      env: { PRICES_FILE: '/nowhere/prices' },
      says: /^PRICES_FILE is '\/nowhere\/prices': the file cannot be read/,
    },
    { env: { MAX_BODY_BYTES: '10MB' }, says: /^MAX_BODY_BYTES is '10MB'/ },
    { env: { UPSTREAM_TIMEOUT_MS: '0' }, says: /^UPSTREAM_TIMEOUT_MS is '0'/ },
    {
      env: { UPSTREAM_EXCHANGE_TIMEOUT_MS: '5' },
      says: /^UPSTREAM_EXCHANGE_TIMEOUT_MS is 5: must not be less/,
    },
  ] as { env: Record<string, string>; says: RegExp }[])('$env', ({ env, says }) => {
    const problems = configProblems(env);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(says);
    expect(problems[0]).not.toContain('\n');
  });
});

test('production requires an admin token and an upstream', () => {
  expect(configProblems({ NODE_ENV: 'production' }).map((problem) => problem.split(' ')[0])).toEqual([
    'ADMIN_TOKEN',
    'UPSTREAM_API_KEY',
  ]);
  expect(
    configProblems({ NODE_ENV: 'production', ADMIN_TOKEN: TOKEN, UPSTREAM_BASE_URL: 'http://x/v1' }),
  ).toEqual([]);
});

test('a pepper may come from a file, and not from two places', () => {
  const path = fileWith(`${OTHER}\n`);
  expect(readConfig({ KEY_PEPPER_FILE: path }).pepper).toBe(OTHER);
  expect(configProblems({ KEY_PEPPER_FILE: path, KEY_PEPPER: TOKEN })).toEqual([
    'KEY_PEPPER and KEY_PEPPER_FILE are both set: unset one of them',
  ]);
  expect(configProblems({ KEY_PEPPER_FILE: fileWith('short') })[0]).toContain('fewer than 32');
});

test.each([
  { env: {}, baseUrl: 'http://127.0.0.1:8787' },
  { env: { HOST: '0.0.0.0', PORT: '1' }, baseUrl: 'http://127.0.0.1:1' },
  { env: { HOST: '::1', PORT: '1' }, baseUrl: 'http://[::1]:1' },
  { env: { QUOTA_PROXY_URL: 'https://quota.example' }, baseUrl: 'https://quota.example' },
])('the command line finds the server: $env', ({ env, baseUrl }) => {
  expect(readToolConfig(env).baseUrl).toBe(baseUrl);
});

test('the command line takes the first of several tokens, and refuses an odd address', () => {
  expect(readToolConfig({ ADMIN_TOKEN: `${TOKEN},${OTHER}`, NODE_ENV: 'production' }).adminToken).toBe(TOKEN);
  expect(() => readToolConfig({ QUOTA_PROXY_URL: 'quota' })).toThrow("QUOTA_PROXY_URL is 'quota'");
  expect(() => readToolConfig({ QUOTA_PROXY_URL: 'https://me:secret@quota.example' })).toThrow(
    "QUOTA_PROXY_URL is 'https://…@quota.example': must be a URL such as",
  );
  expect(() => readToolConfig({ QUOTA_PROXY_URL: 'https://quota.example?x=1' })).toThrow(
    /without .* a query/,
  );
});

test('a demonstration has the demo upstream and a place of its own, unless it is told where', () => {
  const real = { UPSTREAM_API_KEY: 'k', DEEPSEEK_BASE_URL: 'http://x' };
  const config = readDemoConfig(() => '/made', real);
  expect(config).toMatchObject({ production: false, upstreams: [], storePath: '/made/quota.db' });
  const placed = readDemoConfig(() => expect.fail('nothing was to be made'), { SQLITE_PATH: '/d/q.db' });
  expect(placed.storePath).toBe('/d/q.db');
  const production = { NODE_ENV: 'production' };
  expect(() => readDemoConfig(() => expect.fail('nothing was to be made'), production)).toThrow('NODE_ENV');
});
