import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MESSAGES } from './faults/known-messages.ts';

const ROOT = join(import.meta.dirname, '..');
const PAGES = ['docs/troubleshooting.md', 'docs/troubleshooting.zh-CN.md'];
const KNOWN = Object.values(MESSAGES).map((message) => message.replaceAll(/[’‘]/g, "'"));

/** Rows of a table by the number of their columns. */
function rowsOf(page: string, columns: number): readonly (readonly string[])[] {
  const lines = readFileSync(join(ROOT, page), 'utf8').split('\n');
  const rows = lines.filter((line) => line.startsWith('| ')).map((line) => line.slice(2, -2).split(' | '));
  return rows.filter((row) => row.length === columns && /^`.*`$/.test(row[1] ?? ''));
}

test.each(PAGES)('%s quotes every message that the fault tests see, and no other', (page) => {
  const quoted = rowsOf(page, 3).map(([, message = '']) => message.slice(1, -1));
  expect(quoted.toSorted()).toEqual(KNOWN.toSorted());
});

test('every message is one that a fault test awaits', () => {
  const suites = ['faults', 'stack'].flatMap((folder) =>
    readdirSync(join(ROOT, 'test', folder))
      .filter((name) => /^(troubleshooting|refused-start)/.test(name))
      .map((name) => readFileSync(join(ROOT, 'test', folder, name), 'utf8')),
  );
  const all = suites.join('\n');
  expect(Object.keys(MESSAGES).filter((name) => !all.includes(`'${name}'`))).toEqual([]);
});

test.each(PAGES)('the codes and statuses for clients in %s are those of the program', (page) => {
  const rows = rowsOf(page, 4);
  const sources = [
    'handlers/refusal.ts',
    'handlers/failure.ts',
    'handlers/enter.ts',
    'handlers/throttle-guess.ts',
    'handlers/read-body.ts',
  ].map((path) => readFileSync(join(ROOT, path), 'utf8'));
  const all = sources.join('\n').replaceAll(/\s+/g, ' ');
  expect(rows.length).toBeGreaterThan(10);
  for (const [status = '', code = ''] of rows) {
    const pattern = new RegExp(`status: ${status},[^}]* code: '${code.slice(1, -1)}'`);
    expect(all, `${status} ${code}`).toMatch(pattern);
  }
});
