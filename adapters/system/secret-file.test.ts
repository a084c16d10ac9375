import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keptSecret, makeSecret } from './secret-file.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'secret-file-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

test('what is made is kept, for this user alone, in a directory for this user alone', () => {
  const path = join(directory, 'data', 'pepper');
  expect(keptSecret(path)).toBeUndefined();
  const made = makeSecret(path);
  expect(made).toMatch(/^[\w-]{43}$/);
  expect(keptSecret(path)).toBe(made);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(directory, 'data')).mode & 0o777).toBe(0o700);
  expect(readdirSync(join(directory, 'data'))).toEqual(['pepper']);
});

test('a draft that was left there, and was open to all, changes nothing', () => {
  const path = join(directory, 'pepper');
  writeFileSync(`${path}.draft`, '');
  chmodSync(`${path}.draft`, 0o666);
  makeSecret(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('two are never the same', () => {
  expect(makeSecret(join(directory, 'a'))).not.toBe(makeSecret(join(directory, 'b')));
});

test.each(['', '\n', 'short'])('a file that holds %j is refused, and not made anew', (content) => {
  const path = join(directory, 'pepper');
  writeFileSync(path, content);
  expect(() => keptSecret(path)).toThrow(`${path} holds fewer than 32 characters`);
});

test('what cannot be read is not taken for missing', () => {
  expect(() => keptSecret(directory)).toThrow('EISDIR');
});
