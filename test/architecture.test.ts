import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { violations } from './house-rules.ts';

const ROOT = join(import.meta.dirname, '..');
/** Left by the bench, and by no commit. */
const MEASURED = 'bench/results';
const FOLDERS = ['core', 'handlers', 'adapters', 'build', 'test', 'bench'];

describe('the house', () => {
  const entries = FOLDERS.flatMap((folder) => list(join(ROOT, folder)));
  const files = entries.filter(({ isFolder }) => !isFolder).map(({ path }) => path);
  const sources = [...files, ...readdirSync(ROOT)].filter((path) => /\.(ts|mts|js|mjs)$/.test(path));

  test('keeps its rules', () => {
    expect(sources.length).toBeGreaterThan(30);
    expect(sources.flatMap((path) => violations(path, readFileSync(join(ROOT, path), 'utf8')))).toEqual([]);
  });

  test('has no empty rooms', () => {
    const folders = entries
      .filter(({ isFolder, path }) => isFolder && !path.startsWith(MEASURED))
      .map(({ path }) => `${path}/`);
    const isOccupied = (folder: string) =>
      entries.some(
        ({ isFolder, path }) => !isFolder && path.startsWith(folder) && !path.endsWith('/.gitkeep'),
      );
    expect(folders.filter((folder) => !isOccupied(folder))).toEqual([]);
  });
});

describe('the rules', () => {
  test.each([
    // Imports
    { path: 'core/a.ts', rule: 'import', source: `import { x } from 'zod';` },
    { path: 'core/a.ts', rule: 'import', source: `import { readFile } from 'node:fs/promises';` },
    { path: 'core/a.ts', rule: 'import', source: `import type { Hono } from 'hono';` },
    { path: 'core/a.ts', rule: 'import', source: `export * from '#handlers/app.ts';` },
    { path: 'core/a.ts', rule: 'import', source: `export { x } from 'undici';` },
    { path: 'core/a.ts', rule: 'import', source: `export const x = () => import('undici');` },
    { path: 'core/a.ts', rule: 'import', source: `export const x = (name: string) => import(name);` },
    { path: 'core/a.test.ts', rule: 'import', source: `import { x } from '#adapters/system/clock.ts';` },
    { path: 'handlers/a.ts', rule: 'import', source: `import { Buffer } from 'node:buffer';` },
    { path: 'handlers/a.ts', rule: 'import', source: `import { x } from '#adapters/log/x.ts';` },
    { path: 'handlers/proxy/a.ts', rule: 'import', source: `import { request } from 'undici';` },
    { path: 'handlers/a.ts', rule: 'import', source: `import { serve } from '@hono/node-server';` },
    {
      path: 'adapters/sqlite/a.ts',
      rule: 'import',
      source: `import { x } from '#adapters/system/clock.ts';`,
    },
    { path: 'adapters/sqlite/a.ts', rule: 'import', source: `import { x } from '#handlers/app.ts';` },
    { path: 'adapters/sqlite/a.ts', rule: 'import', source: `import { Pool } from 'undici';` },
    { path: 'adapters/sqlite/a.ts', rule: 'import', source: `new URL('../log/a.ts', import.meta.url);` },
    { path: 'adapters/system/a.ts', rule: 'import', source: `import pino from 'pino';` },
    {
      path: 'adapters/container/a.ts',
      rule: 'import',
      source: `import { x } from '#adapters/sqlite/store.ts';`,
    },
    { path: 'adapters/cli/a.ts', rule: 'import', source: `import { x } from '#adapters/upstream/pool.ts';` },
    { path: 'bench/a.ts', rule: 'import', source: `import { x } from '#core/window.ts';` },
    { path: 'adapters/redis/a.ts', rule: 'room', source: `` },
    { path: 'services/a.ts', rule: 'room', source: `` },
    { path: 'handlers/a.ts', rule: 'crossing', source: `import { x } from '../core/window.ts';` },
    { path: 'adapters/container/compose.ts', rule: 'crossing', source: `import { x } from '../log/a.ts';` },
    // Clock, randomness, environment
    { path: 'core/a.ts', rule: 'clock', source: `export const now = () => Date.now();` },
    { path: 'core/a.ts', rule: 'clock', source: `export const now = () => new Date();` },
    {
      path: 'adapters/log/a.ts',
      rule: 'clock',
      source: `export const now = () => globalThis.performance.now();`,
    },
    { path: 'adapters/log/a.ts', rule: 'clock', source: `export const now = () => process.hrtime.bigint();` },
    { path: 'adapters/log/a.ts', rule: 'clock', source: `import { performance } from 'node:perf_hooks';` },
    { path: 'handlers/a.ts', rule: 'randomness', source: `export const x = () => Math.random();` },
    { path: 'handlers/a.ts', rule: 'randomness', source: `export const x = () => crypto.randomUUID();` },
    {
      path: 'adapters/sqlite/a.ts',
      rule: 'randomness',
      source: `import { randomBytes } from 'node:crypto';`,
    },
    { path: 'adapters/container/a.ts', rule: 'environment', source: `export const x = process.env['PORT'];` },
    { path: 'adapters/cli/a.ts', rule: 'environment', source: `export const x = process['env'];` },
    { path: 'handlers/a.ts', rule: 'environment', source: `const { env } = process;` },
    { path: 'adapters/log/a.ts', rule: 'environment', source: `import { env } from 'node:process';` },
    // Comparing secrets
    {
      path: 'handlers/enter.ts',
      rule: 'secret',
      source: 'export const x = (a: T) => a.token === a.adminToken;',
    },
    {
      path: 'handlers/a.ts',
      rule: 'secret',
      source: 'export const x = (token: T) => policy.list.includes(token);',
    },
    {
      path: 'core/authorize.ts',
      rule: 'secret',
      source: 'export const x = (key: T, digest: T) => key.digest !== digest;',
    },
    {
      path: 'adapters/container/a.ts',
      rule: 'secret',
      source: 'export const x = (token: T) => known.has(token);',
    },
    {
      path: 'adapters/sqlite/a.ts',
      rule: 'secret',
      source: `import { timingSafeEqual } from 'node:crypto';`,
    },
    // Names
    { path: 'core/utils.ts', rule: 'name', source: `` },
    { path: 'handlers/admin/index.ts', rule: 'name', source: `` },
    { path: 'test/fakes/helpers.ts', rule: 'name', source: `` },
    { path: 'core/types.test.ts', rule: 'name', source: `` },
    { path: 'core/apiKey.ts', rule: 'name', source: `` },
    // Modules
    { path: 'core/a.ts', rule: 'default export', source: `export default 1;` },
    { path: 'core/a.ts', rule: 'default export', source: `const a = 1; export { a as default };` },
    { path: 'core/a.ts', rule: 'module state', source: `export let count = 0;` },
  ])('find $rule in $path: $source', ({ path, rule, source }) => {
    const told = expect.stringMatching(new RegExp(`^${path}:\\d+ ${rule}: `));
    expect(violations(path, source)).toContainEqual(told);
  });

  test.each([
    {
      path: 'core/a.ts',
      source: `import { x } from './window.ts';\nexport const at = (t: number) => new Date(t);`,
    },
    {
      path: 'core/a.test.ts',
      source: `import fc from 'fast-check';\nimport { x } from '#test/fakes/keys.ts';`,
    },
    { path: 'handlers/admin/a.ts', source: `import { x } from '../reply.ts';\nimport * as z from 'zod';` },
    { path: 'adapters/sqlite/a.ts', source: `import Database from 'better-sqlite3/linux-x64';` },
    { path: 'adapters/system/clock.ts', source: `export const now = () => Date.now();` },
    { path: 'adapters/container/config.ts', source: `export const x = process.env;` },
    { path: 'adapters/container/compose.ts', source: `import { x } from '#adapters/sqlite/store.ts';` },
    { path: 'vitest.config.ts', source: `export default {};` },
    {
      path: 'handlers/a.ts',
      source: `export const x = (token: T) => token !== undefined && token !== '' && token.includes(',');`,
    },
  ])('allow $path: $source', ({ path, source }) => {
    expect(violations(path, source)).toEqual([]);
  });

  test.each([
    { name: 'a file of 300 lines', source: '//\n'.repeat(300), found: [] },
    {
      name: 'a file of 301 lines',
      source: '//\n'.repeat(301),
      found: ['core/a.ts:1 file size: 301 lines, at most 300'],
    },
    { name: 'a function of 70 lines', source: `function f() {${'\n'.repeat(69)}}`, found: [] },
    {
      name: 'a function of 71 lines',
      source: `function f() {${'\n'.repeat(70)}}`,
      found: ['core/a.ts:1 function size: f: 71 lines, at most 70'],
    },
    {
      name: 'an arrow function of 71 lines',
      source: `\nconst f = () => {${'\n'.repeat(70)}};`,
      found: ['core/a.ts:2 function size: arrow function: 71 lines, at most 70'],
    },
  ])('measure $name', ({ source, found }) => {
    expect(violations('core/a.ts', source)).toEqual(found);
  });

  test('measure a long test, and not the suite around it', () => {
    const source = `describe('d', () => {\ntest('t', () => {${'\n'.repeat(70)}});\n});`;
    expect(violations('core/a.test.ts', source)).toEqual([
      'core/a.test.ts:2 function size: arrow function: 71 lines, at most 70',
    ]);
  });
});

interface Entry {
  readonly path: string;
  readonly isFolder: boolean;
}

/** What is in `folder`, at any depth, by paths relative to the repository. */
function list(folder: string): Entry[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => ({
    path: relative(ROOT, join(entry.parentPath, entry.name)),
    isFolder: entry.isDirectory(),
  }));
}
