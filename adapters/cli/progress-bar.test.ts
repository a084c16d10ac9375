import { expect, test } from 'vitest';
import { lineOf, progressBar } from './progress-bar.ts';

function output(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, written, write: (text: string) => written.push(text) };
}

test.each([
  { name: 'nothing yet', done: 0, total: 100, tookMs: 0, says: 'Downloading …' },
  {
    name: 'a quarter',
    done: 25e6,
    total: 100e6,
    tookMs: 5_000,
    says: 'Downloading  ██████░░░░░░░░░░░░░░░░░░  25 %  25.0 MB of 100.0 MB, 15 s left',
  },
  {
    name: 'hours left',
    done: 1e9,
    total: 100e9,
    tookMs: 300_000,
    says: 'Downloading  ░░░░░░░░░░░░░░░░░░░░░░░░  1 %  1.0 GB of 100.0 GB, 8 h left',
  },
  {
    name: 'all of it',
    done: 812,
    total: 812,
    tookMs: 9_000,
    says: 'Downloading  ████████████████████████  100 %  812 B of 812 B',
  },
  {
    name: 'more than was said',
    done: 20,
    total: 10,
    tookMs: 1_000,
    says: 'Downloading  ████████████████████████  100 %  20 B of 10 B',
  },
])('a line about $name', ({ done, total, tookMs, says }) => {
  expect(lineOf({ step: 'download', done, total }, tookMs)).toBe(says);
});

test('segments are counted, not weighed', () => {
  expect(lineOf({ step: 'segments', done: 3, total: 12 }, 3_000)).toMatch(/25 % {2}3 of 12, 9 s left$/);
});

test('where there is no room for a bar there is none', () => {
  const progress = { step: 'download', done: 25e6, total: 100e6 } as const;
  expect(lineOf(progress, 5_000, 80)).toMatch(/15 s left$/);
  expect(lineOf(progress, 5_000, 40)).toBe('Downloading  25 %');
});

test('on a terminal the line is written over, and gone in the end', () => {
  const terminal = output(true);
  let now = 0;
  const bar = progressBar(terminal, () => now);
  bar.say('Restoring x.');
  bar.update({ step: 'download', done: 0, total: 100 });
  now = 1_000;
  bar.update({ step: 'download', done: 50, total: 100 });
  bar.end();
  bar.end();
  expect(terminal.written.at(-2)).toContain('\r\x1b[KDownloading ');
  expect(terminal.written.at(-2)).toMatch(/50 %.*1 s left$/);
  expect(terminal.written.at(-1)).toBe('\r\x1b[K');
  expect(terminal.written.filter((text) => text === '\r\x1b[K')).toHaveLength(2);
});

test('in a file there is one line for each step, without control characters', () => {
  const file = output(false);
  const bar = progressBar(file, () => 0);
  bar.say('Restoring x.');
  for (let done = 0; done <= 3; done += 1) bar.update({ step: 'download', done, total: 3 });
  bar.update({ step: 'check', done: 0, total: 3 });
  bar.end();
  expect(file.written).toEqual(['Restoring x.\n', 'Downloading …\n', 'Checking …\n']);
});
