import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readConfig } from '#adapters/container/config.ts';
import { keptSecret } from '#adapters/system/secret-file.ts';

const TOKEN = '0123456789abcdef0123456789abcdef';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'empty-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

const PRODUCTION = { NODE_ENV: 'production', UPSTREAM_API_KEY: 'sk-1', ADMIN_TOKEN: TOKEN };

test.each([
  { what: 'an empty admin token', env: { ADMIN_TOKEN: '' }, says: /ADMIN_TOKEN is not set/ },
  { what: 'a blank one', env: { ADMIN_TOKEN: '   ' }, says: /ADMIN_TOKEN/ },
  { what: 'a list of none', env: { ADMIN_TOKEN: ', ,' }, says: /ADMIN_TOKEN/ },
  { what: 'a short one in a list', env: { ADMIN_TOKEN: `${TOKEN},x` }, says: /ADMIN_TOKEN/ },
  { what: 'metrics tokens of none', env: { METRICS_TOKEN: ',' }, says: /METRICS_TOKEN/ },
  { what: 'a short pepper', env: { KEY_PEPPER: 'x' }, says: /KEY_PEPPER/ },
  {
    what: 'an empty webhook secret',
    env: { WEBHOOK_URL: 'http://a', WEBHOOK_SECRET: '' },
    says: /WEBHOOK_SECRET/,
  },
])('S5: $what refuses to start', ({ env, says }) => {
  expect(() => readConfig({ ...PRODUCTION, ...env })).toThrow(says);
  expect(readConfig(PRODUCTION).adminTokens).toEqual([TOKEN]);
});

test.each(['', '\n', '   \n', 'short\n'])('S5: a file of a secret with %j in it refuses to start', (text) => {
  const path = join(directory, 'kept', 'pepper');
  mkdirSync(join(directory, 'kept'));
  writeFileSync(path, text);
  expect(() => keptSecret(path)).toThrow(/fewer than 32 characters/);
  expect(() => readConfig({ ...PRODUCTION, KEY_PEPPER_FILE: path })).toThrow(/fewer than 32 characters/);
  writeFileSync(path, `${TOKEN}\n`);
  expect(keptSecret(path)).toBe(TOKEN);
});
