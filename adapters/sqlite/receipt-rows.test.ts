import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { FAILED, idOf, keyNumber } from '#test/conformance/specimens.ts';
import { NOON, reservationWith } from '#test/fakes/accounts.ts';
import { entryAppender } from './entry-rows.ts';
import { applyStep, MIGRATIONS } from './migrations.ts';
import { receiptRows } from './receipt-rows.ts';

const KEY = keyNumber(1).id;

/** A ledger of `count` requests, each reserved and released. */
function open(count: number) {
  const database = new Database(':memory:');
  for (const sql of MIGRATIONS) applyStep(database, sql);
  const append = entryAppender(database);
  for (let n = 1; n <= count; n += 1) {
    const request = { requestId: idOf('request', n), keyId: KEY, at: NOON + n };
    const reservation = reservationWith({ id: request.requestId, keyId: KEY, madeAt: NOON + n });
    append(2 * n - 1, {
      kind: 'reserved',
      ...request,
      reservation,
      endpoint: 'e',
      stream: false,
      arrivalUs: 0,
    });
    append(2 * n, { kind: 'released', ...request, outcome: FAILED });
  }
  return { database, rows: receiptRows(database) };
}

test('a place whose entry is gone, or that all older ones are gone of, is still a place to go on from', () => {
  const { database, rows } = open(10);
  const first = rows.scan({ limit: 4 }, null);
  expect(first.items.map(({ n }) => n)).toEqual([19, 17, 15, 13]);
  database.exec('DELETE FROM ledger WHERE n IN (13, 14) OR n <= 6');
  const second = rows.scan({ limit: 4 }, first.next);
  expect(second).toMatchObject({ items: [{ n: 11 }, { n: 9 }, { n: 7 }], next: null });
  expect(rows.scan({ limit: 4, status: 'released' }, 6)).toEqual({ items: [], next: null });
  expect(rows.scan({ limit: 4, from: NOON, to: NOON + 5 }, null)).toMatchObject({ items: [{ n: 7 }] });
});

test('one part of a search looks at so many entries and no more, fewer where endings are looked up', () => {
  const { rows } = open(6000);
  expect(rows.scan({ limit: 9, model: 'another' }, null)).toEqual({ items: [], next: null });
  expect(rows.scan({ limit: 9, status: 'open' }, null)).toEqual({ items: [], next: 8001 });
});
