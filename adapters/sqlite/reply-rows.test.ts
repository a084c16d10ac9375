import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { KEPT_MS } from '#core/kept-reply.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { applyStep, MIGRATIONS } from './migrations.ts';
import { type ReplyBounds, replyRows } from './reply-rows.ts';

function open(bounds: ReplyBounds) {
  const database = new Database(':memory:');
  for (const sql of MIGRATIONS) applyStep(database, sql);
  const rows = replyRows(database, bounds);
  const keep = (n: number, bytes = 1, at = NOON) => {
    const digest = n.toString(16).padStart(64, '0');
    rows.keep({ digest, request: digest, at, sealed: Buffer.alloc(bytes, 7).toString('base64') });
  };
  const kept = () => database.prepare('SELECT hex(digest) FROM kept_replies ORDER BY n').pluck().all();
  return { rows, keep, kept: () => kept().map((hex) => Number(`0x${String(hex)}`)) };
}

test('no more rows are kept than may be, the newest of them', () => {
  const { keep, kept } = open({ rows: 3, bytes: 1000 });
  for (let n = 1; n <= 50; n += 1) keep(n);
  expect(kept()).toEqual([48, 49, 50]);
});

test('no more bytes are kept than may be, but always the last answer', () => {
  const { keep, kept } = open({ rows: 100, bytes: 10 });
  for (const n of [1, 2, 3]) keep(n, 4);
  expect(kept()).toEqual([2, 3]);
  keep(4, 50);
  expect(kept()).toEqual([4]);
});

test('what is too old goes in small steps, and what is not stays', () => {
  const { rows, keep, kept } = open({ rows: 1000, bytes: 1_000_000 });
  for (let n = 1; n <= 45; n += 1) keep(n);
  keep(46, 1, NOON + 1);
  const left: number[] = [];
  for (let step = 1; step <= 4; step += 1) {
    rows.forget(NOON + KEPT_MS);
    left.push(kept().length);
  }
  expect(left).toEqual([26, 6, 1, 1]);
});
