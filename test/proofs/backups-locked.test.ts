import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { copyDatabase } from '#adapters/sqlite/copy-database.ts';
import { openDatabase } from '#adapters/sqlite/database.ts';
import { LIMITS } from '#adapters/sqlite/limits.ts';
import { openWriter } from '#adapters/sqlite/writer.ts';
import { calendarOf } from '#core/window.ts';
import { keyNumber, reserving } from '#test/conformance/specimens.ts';
import { problemsOf, reservedCount } from '#test/faults/ledger-file.ts';
import { mountMemory, testAsRoot } from '#test/faults/own-machine.ts';

let folder: string;
let source: string;
let copy: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'locked-'));
  source = join(folder, 'quota.db');
  copy = join(folder, 'spool', 'copy.db');
  mkdirSync(join(folder, 'spool'));
  const writer = openWriter(openDatabase(source), calendarOf('UTC'), LIMITS);
  writer.answer([
    ['addKey', keyNumber(1), null],
    ...[1, 2, 3].map((n) => ['execute', reserving(n, keyNumber(1))] as const),
  ]);
  writer.close();
});
afterEach(() => rmSync(folder, { recursive: true }));

test('B3: of a source that somebody holds for himself no copy is made, and then one is', () => {
  const holder = new Database(source);
  holder.pragma('locking_mode = EXCLUSIVE');
  holder.exec('BEGIN EXCLUSIVE; UPDATE projection SET checked = 1 - checked; COMMIT');
  expect(() => copyDatabase(source, copy)).toThrow('is locked by another program');
  expect(existsSync(copy)).toBe(false);
  holder.close();
  expect(copyDatabase(source, copy).mark.ledgerN).toBe(3);
  expect(problemsOf(copy)).toEqual([]);
});

test('B3: where there is a file in its place, whoever holds it, no copy is made', () => {
  const other = new Database(copy);
  other.exec('CREATE TABLE mine (x); BEGIN IMMEDIATE; INSERT INTO mine VALUES (1)');
  expect(() => copyDatabase(source, copy)).toThrow('exists already');
  other.exec('COMMIT');
  expect(other.prepare('SELECT x FROM mine').pluck().all()).toEqual([1]);
  other.close();
});

testAsRoot('B3: a copy that its disk has no room for is none', () => {
  const unmount = mountMemory(join(folder, 'spool'), 'size=48k');
  try {
    expect(() => copyDatabase(source, copy)).toThrow('is full');
  } finally {
    unmount();
  }
  copyDatabase(source, copy);
  expect(reservedCount(copy)).toBe(3);
});
