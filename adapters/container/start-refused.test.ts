import { expect, test } from 'vitest';
import { memoryWarnings, refuseBadStart } from './start-refused.ts';

const NOW = Date.UTC(2026, 10, 25);
const MEGABYTE = 1024 * 1024;

test.each([
  { limit: 64, refused: true, warned: true },
  { limit: 127.9, refused: true, warned: true },
  { limit: 128, refused: false, warned: true },
  { limit: 192, refused: false, warned: false },
  { limit: 256, refused: false, warned: false },
])('$limit MB: refused $refused, warned $warned', ({ limit, refused, warned }) => {
  const start = () => refuseBadStart({ now: NOW, memoryBytes: limit * MEGABYTE });
  if (refused) expect(start).toThrow(/may use \d+ MB of memory, and needs 128 MB: raise the limit/);
  else expect(start).not.toThrow();
  expect(memoryWarnings(limit * MEGABYTE)).toHaveLength(warned ? 1 : 0);
});
