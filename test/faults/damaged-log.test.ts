import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '#adapters/sqlite/database.ts';
import { LIMITS } from '#adapters/sqlite/limits.ts';
import { openWriter } from '#adapters/sqlite/writer.ts';
import { calendarOf } from '#core/window.ts';
import {
  keyNumber,
  operation,
  releasing,
  reserving,
  settling,
  usageOf,
} from '#test/conformance/specimens.ts';
import { memoryFolder } from '#test/fakes/memory-folder.ts';
import { randomOf } from '#test/fakes/random-of.ts';
import { problemsOf, readDatabase } from './ledger-file.ts';

const CALENDAR = calendarOf('UTC');
const KEY = keyNumber(1);
const REQUESTS = 8;
/** Of a frame's header, and of the log's own (https://sqlite.org/fileformat2.html#walformat). */
const FRAME_HEADER_BYTES = 24;
const LOG_HEADER_BYTES = 32;
const PAGE_BYTES = 4096;

let folder: string;
/** A database, and its log as a kill leaves it behind. */
let database: Buffer;
let log: Buffer;
/** The rows that were there after each commit. */
const commits: State[] = [];

beforeAll(() => {
  folder = memoryFolder('damaged-log');
  const path = join(folder, 'made.db');
  openDatabase(path).close();
  const made = openDatabase(path);
  const writer = openWriter(made, CALENDAR, { ...LIMITS, tailEntries: 5 });
  commits.push(stateOf(path));
  const commit = (...calls: Parameters<typeof writer.answer>[0]) => {
    writer.answer(calls);
    commits.push(stateOf(path));
  };
  commit(['addKey', KEY, operation('keys.create', KEY.id)]);
  for (let n = 1; n <= REQUESTS; n += 1) {
    commit(['execute', reserving(n, KEY)], ['appendOperation', operation('usage.reset')]);
    if (n % 4 === 0) commit(['execute', releasing(n, KEY)]);
    else if (n % 4 !== 3) commit(['execute', settling(n, KEY, usageOf(n, n))]);
  }
  [database, log] = [readFileSync(path), readFileSync(`${path}-wal`)];
  writer.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

interface State {
  readonly ledger: readonly unknown[];
  readonly operations: readonly unknown[];
}

/** What may become of a log. */
interface Damage {
  readonly name: string;
  /** So many of them, spread over the log by a random number from 0 to below 1. */
  readonly times: number;
  at(where: number): Buffer;
}

const DAMAGES: readonly Damage[] = [
  { name: 'cut', times: 60, at: (where) => log.subarray(0, Math.floor(where * log.length)) },
  {
    name: 'with one bit flipped',
    times: 40,
    at: (where) => changed(where * log.length, 1, (byte) => byte ^ 4),
  },
  {
    name: 'with a sector of zeros',
    times: 30,
    at: (where) => changed(Math.floor((where * log.length) / 512) * 512, 512, () => 0),
  },
  {
    name: 'with a page of something else',
    times: 10,
    at: (where) =>
      changed(Math.floor((where * log.length) / PAGE_BYTES) * PAGE_BYTES, PAGE_BYTES, () => 0xa5),
  },
];

test.each(DAMAGES)('D4: a log $name opens to what some commit left, and is written on', ({ times, at }) => {
  const seen = new Set<number>();
  for (const where of spread(times)) {
    const path = putDown(at(where));
    const prefix = prefixAt(path);
    expect(prefix, `at ${where}`).toBeGreaterThanOrEqual(0);
    seen.add(prefix);
    const writer = openWriter(openDatabase(path), CALENDAR, LIMITS);
    if (prefix > 0) {
      const [answer] = writer.answer([['execute', reserving(REQUESTS + 1, KEY)]]);
      expect(answer).toMatchObject({ kind: 'done', value: { admitted: true } });
    }
    writer.close();
    expect(problemsOf(path), `at ${where}`).toEqual([]);
  }
  // Early damage leaves little, late damage nearly all.
  expect(seen.size).toBeGreaterThan(commits.length / 3);
});

test('D4: the same damage is found, where a log is taken for whole', () => {
  const taken = spread(40).filter((where) => {
    const path = putDown(Buffer.alloc(0));
    fold(log.subarray(0, Math.floor(where * log.length)), path);
    try {
      return prefixAt(path) >= 0 && problemsOf(path).length === 0;
    } catch {
      return false;
    }
  });
  // Not those that end with a commit, or with a page that there was already.
  expect(taken.length).toBeLessThan(10);
});

/** Not quite evenly, so that they meet headers and pages at any place. */
function spread(times: number): readonly number[] {
  const random = randomOf(4);
  return Array.from({ length: times }, (_, index) => (index + random()) / times);
}

function changed(from: number, length: number, change: (byte: number) => number): Buffer {
  const damaged = Buffer.from(log);
  for (let at = Math.floor(from); at < Math.min(from + length, log.length); at += 1) {
    damaged[at] = change(damaged[at] ?? 0);
  }
  return damaged;
}

/** The database with this log beside it. */
function putDown(damaged: Buffer): string {
  const home = join(folder, 'found');
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home);
  const path = join(home, 'quota.db');
  writeFileSync(path, database);
  writeFileSync(`${path}-wal`, damaged);
  return path;
}

/** After how many commits the database was as it is now; -1 if it never was. */
function prefixAt(path: string): number {
  openDatabase(path).close();
  const now = JSON.stringify(stateOf(path));
  return commits.findIndex((state) => JSON.stringify(state) === now);
}

function stateOf(path: string): State {
  return readDatabase(path, (opened) => {
    const all = (table: string) => opened.prepare(`SELECT * FROM ${table} ORDER BY 1`).all();
    return { ledger: all('ledger'), operations: [...all('operations'), ...all('keys')] };
  });
}

/** Writes the pages of a log into the database as they come, and looks at no checksum. */
function fold(frames: Buffer, path: string): void {
  const file = openSync(path, 'r+');
  const frameBytes = FRAME_HEADER_BYTES + PAGE_BYTES;
  for (let at = LOG_HEADER_BYTES; at + FRAME_HEADER_BYTES < frames.length; at += frameBytes) {
    const page = frames.subarray(at + FRAME_HEADER_BYTES, at + frameBytes);
    writeSync(file, page, 0, page.length, (frames.readUInt32BE(at) - 1) * PAGE_BYTES);
  }
  closeSync(file);
}
