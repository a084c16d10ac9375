import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { calendarOf } from '#core/window.ts';
import { keyNumber, reserving, settling, usageOf } from '#test/conformance/specimens.ts';
import { openDatabase } from './database.ts';
import { LIMITS } from './limits.ts';
import type { Call } from './methods.ts';
import { openWriter } from './writer.ts';

const KEY = keyNumber(1, {});
const REQUESTS = 5000;

test('a start finds what is open, and does not read the ledger for it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'recover-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'quota.db');
  const first = openWriter(openDatabase(path), calendarOf('UTC'), LIMITS);
  first.answer([['addKey', KEY, null], ...requests()]);
  first.answer([
    ['execute', reserving(REQUESTS + 1, KEY)],
    ['execute', reserving(REQUESTS + 2, KEY)],
  ]);
  first.close();

  const database = openDatabase(path);
  const before = bytesRead();
  const writer = openWriter(database, calendarOf('UTC'), LIMITS);
  expect(bytesRead() - before).toBeLessThan(statSync(path).size / 20);
  const [open] = writer.answer([['account', { id: KEY.id }]]);
  expect(open).toMatchObject({ value: { open: [{}, {}] } });
  writer.close();
});

function requests(): readonly Call[] {
  return Array.from({ length: REQUESTS }, (_, n): readonly Call[] => [
    ['execute', reserving(n + 1, KEY)],
    ['execute', settling(n + 1, KEY, usageOf(1, 1))],
  ]).flat();
}

/** How many bytes this thread has asked the system for so far. */
function bytesRead(): number {
  const [, bytes] = /^rchar: (\d+)$/m.exec(readFileSync('/proc/thread-self/io', 'utf8')) ?? [];
  return Number(bytes);
}
