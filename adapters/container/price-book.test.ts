import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openPriceBook } from './price-book.ts';
import { readPriceFile } from './price-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'prices-'));
const path = join(folder, 'prices.json');
afterEach(() => rmSync(path, { force: true }));

/** A book of `first`, of which the file then says `then`, read again; and what was told of that. */
function reloaded(first: object, then: string) {
  writeFileSync(path, JSON.stringify(first));
  const read = readPriceFile(path);
  if (!read.ok) throw new Error(read.problems.join());
  const told: { level: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const book = openPriceBook(read.table, path, {
    noticed: (_, fields) => void told.push({ level: 'noticed', fields }),
    warned: (_, fields) => void told.push({ level: 'warned', fields }),
  });
  writeFileSync(path, then);
  book.reload();
  return { book, told };
}

const tableOf = (version: string, input: number) => ({
  version,
  currency: 'USD',
  models: { demo: { input, output: 1 } },
});

test('new prices are in force from then on', () => {
  const { book, told } = reloaded(tableOf('1', 5), JSON.stringify(tableOf('2', 7)));
  expect(book.table()?.models.get('demo')?.input).toBe(7);
  expect(told).toEqual([{ level: 'noticed', fields: { path, version: '2', currency: 'USD', models: 1 } }]);
});

test('of a file that is half written or wrong nothing is taken, and why is told', () => {
  const { book, told } = reloaded(tableOf('1', 5), '{"version":"2"');
  expect(book.table()).toMatchObject({ version: '1' });
  expect(book.table()?.models.get('demo')?.input).toBe(5);
  expect(told.map(({ level }) => level)).toEqual(['warned']);
  expect(String(told[0]?.fields['problems'])).toMatch(/^is not JSON: /);
});

test('other prices under the same version are told of, and the same ones are not', () => {
  const changed = reloaded(tableOf('1', 5), JSON.stringify(tableOf('1', 7)));
  expect(changed.told.map(({ level }) => level)).toEqual(['warned', 'noticed']);
  expect(changed.book.table()?.models.get('demo')?.input).toBe(7);
  const same = reloaded(tableOf('1', 5), JSON.stringify(tableOf('1', 5)));
  expect(same.told.map(({ level }) => level)).toEqual(['noticed']);
});

test('a book without a file stays without prices', () => {
  const book = openPriceBook(null, null, { noticed: () => undefined, warned: () => undefined });
  book.reload();
  expect(book.table()).toBeNull();
});
