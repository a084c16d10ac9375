import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  accountWith,
  amountOf,
  bucketsWith,
  NOON,
  reservationWith,
  SERVED,
  UTC,
} from '#test/fakes/accounts.ts';
import { apply, emptyBuckets, roll } from './apply.ts';
import type { LedgerEntry } from './ledger-entry.ts';
import type { Account, Amount, Period, Reservation } from './model.ts';
import { NOTHING, PERIODS } from './model.ts';
import { calendarOf } from './window.ts';

const LAST_SECOND = Date.UTC(2026, 10, 24, 23, 59, 59);
const USED: Amount = { requests: 1, tokens: 70, cost: 90 };
const RESET: LedgerEntry = { kind: 'reset', keyId: 'key', at: NOON };

const after = (...entries: LedgerEntry[]) =>
  entries.reduce((account, entry) => apply(account, entry, UTC), accountWith());

const bucketOf = ({ buckets }: Pick<Account, 'buckets'>, period: Period) =>
  buckets.find((bucket) => bucket.period === period);

test('a reservation is held in every window, of the key and of the sponsor', () => {
  const reservation = reservationWith();
  const account = after(reserved(reservation));
  expect(account.open).toEqual([reservation]);
  expect(account.lastUsedAt).toBe(NOON);
  expect(account.sponsor.latestAt).toBe(NOON);
  for (const bucket of [...account.buckets, ...account.sponsor.buckets]) {
    expect(bucket).toMatchObject({ used: NOTHING, held: reservation.amount });
  }
});

test.each([
  { name: 'settled', ending: settled('request-1', USED), used: USED },
  { name: 'lapsed', ending: lapsed('request-1', USED), used: USED },
  { name: 'released', ending: released('request-1'), used: NOTHING },
])('a hold and its charge meet: $name', ({ ending, used }) => {
  const account = after(reserved(reservationWith()), ending);
  expect(account.open).toEqual([]);
  for (const bucket of [...account.buckets, ...account.sponsor.buckets]) {
    expect(bucket).toMatchObject({ used, held: NOTHING });
  }
});

test('what was reserved before midnight is charged to that day, whenever it ends', () => {
  const before = reservationWith({ id: 'before', madeAt: LAST_SECOND });
  const next = reservationWith({ id: 'after', madeAt: LAST_SECOND + 5_000 });
  const account = after(reserved(before), reserved(next), settled('before', USED));

  expect(bucketOf(account, 'day')).toMatchObject({ used: NOTHING, held: next.amount });
  expect(bucketOf(account, 'minute')).toMatchObject({ used: NOTHING, held: next.amount });
  expect(bucketOf(account, 'month')).toMatchObject({ used: USED, held: next.amount });
  expect(bucketOf(account, 'total')).toMatchObject({ used: USED, held: next.amount });
});

test('what ends after midnight is charged to the day before, as long as nobody asks for the new one', () => {
  const account = after(reserved(reservationWith({ madeAt: LAST_SECOND })), settled('request-1', USED));
  expect(bucketOf(account, 'day')).toMatchObject({
    startsAt: Date.UTC(2026, 10, 24),
    used: USED,
    held: NOTHING,
  });
});

test('a reset forgets what was used and the rate, and keeps what is held', () => {
  const open = reservationWith({ id: 'open' });
  const account = after(reserved(reservationWith()), reserved(open), settled('request-1', USED), RESET);
  for (const bucket of account.buckets) expect(bucket).toMatchObject({ used: NOTHING, held: open.amount });
  for (const bucket of account.sponsor.buckets) expect(bucket).toMatchObject({ used: USED });
  expect(account.arrivalUs).toBe(0);
});

test.each([
  { name: 'never reserved', entry: settled('stranger', USED) },
  { name: 'settled before', entry: settled('ended', USED) },
  { name: 'released after it was settled', entry: released('ended') },
  { name: 'lapsed after it was settled', entry: lapsed('ended', USED) },
])('the end of a reservation that is not open changes nothing: $name', ({ entry }) => {
  const account = after(
    reserved(reservationWith({ id: 'ended' })),
    settled('ended', USED),
    reserved(reservationWith({ id: 'other' })),
  );
  expect(apply(account, entry, UTC)).toBe(account);
});

test('a hold that is not there is never given back', () => {
  const account = { ...after(reserved(reservationWith())), buckets: bucketsWith({}) };
  expect(() => apply(account, released('request-1'), UTC)).toThrow('below zero');
});

test('roll begins anew what is over, and nothing else', () => {
  const buckets = bucketsWith({ used: USED, held: { requests: 1 } }, LAST_SECOND);
  const rolled = roll(buckets, LAST_SECOND + 1_000, UTC);
  for (const [index, period] of PERIODS.entries()) {
    const isOver = period === 'minute' || period === 'hour' || period === 'day';
    if (isOver)
      expect(rolled[index]).toEqual({ period, startsAt: LAST_SECOND + 1_000, used: NOTHING, held: NOTHING });
    else expect(rolled[index]).toBe(buckets[index]);
  }
});

test('roll begins no window anew that had begun in another time zone when the last request came', () => {
  const shanghai = calendarOf('Asia/Shanghai');
  const buckets = roll(emptyBuckets(), NOON, shanghai);
  const nextDay = roll(buckets, NOON + 86_400_000, UTC);
  for (const period of ['day', 'month'] as const) {
    const { startsAt } = shanghai.windowOf(period, NOON);
    expect(bucketOf({ buckets: roll(buckets, NOON, UTC) }, period)).toMatchObject({ startsAt });
    const next = period === 'day' ? UTC.windowOf('day', NOON).endsAt : startsAt;
    expect(bucketOf({ buckets: nextDay }, period)).toMatchObject({ startsAt: next });
  }
});

test('roll never goes back to an earlier window', () => {
  const buckets = bucketsWith({ used: USED });
  expect(roll(buckets, NOON - 40 * 86_400_000, UTC)).toBe(buckets);
  expect(roll(emptyBuckets(), 0, UTC)).toEqual(emptyBuckets());
});

test('what was imported counts for the day, the month and all time of its use, and for nothing else', () => {
  const account = after(
    imported(NOON, '2026-11-24', 3),
    imported(NOON, '2026-11-02', 20),
    imported(NOON, '2025-01-31', 100),
  );
  const used = (holder: Pick<Account, 'buckets'>) => holder.buckets.map((bucket) => bucket.used.requests);
  expect(used(account)).toEqual([0, 0, 3, 23, 123]);
  expect(used(account.sponsor)).toEqual([0, 0, 3, 23, 123]);
  expect(account.lastUsedAt).toBe(Date.UTC(2026, 10, 24));
});

test('in the first minute of a day nobody knows either in which hour of it something was used', () => {
  const midnight = Date.UTC(2026, 10, 24);
  const account = after(imported(midnight + 1, '2026-11-24', 3));
  expect(account.buckets.map(({ used }) => used.requests)).toEqual([0, 0, 3, 3, 3]);
});

test('what was imported begins the windows that it is in: what follows adds to it', () => {
  const midnight = Date.UTC(2026, 10, 25);
  const early = imported(midnight - 1, '2026-11-24', 3);
  const sameDay = reservationWith({ id: 'a', madeAt: midnight - 1 });
  const nextDay = reservationWith({ id: 'b', madeAt: midnight });
  expect(bucketOf(after(early, reserved(sameDay)), 'day')).toMatchObject({
    used: { requests: 3 },
    held: sameDay.amount,
  });
  expect(bucketOf(after(early, reserved(nextDay)), 'day')).toMatchObject({
    used: NOTHING,
    held: nextDay.amount,
  });
  expect(bucketOf(after(reserved(nextDay), early), 'day')).toMatchObject({
    used: NOTHING,
    held: nextDay.amount,
  });
  // Nothing is reserved in a window before: a clock that was set back finds the ledger where the import left it.
  expect(after(early).sponsor.latestAt).toBe(midnight - 1);
});

test('an import does not touch the rate, nor a later time of last use', () => {
  const account = after(reserved(reservationWith()), imported(NOON, '2026-11-02', 1));
  expect(account).toMatchObject({ lastUsedAt: NOON, arrivalUs: NOON * 1_000 });
});

/** One step of a history: time passes, and then something is reserved, ended or reset. */
const steps = fc.array(
  fc.record({
    passesMs: fc.oneof(fc.nat(50_000), fc.nat(30 * 3_600_000)),
    does: fc.constantFrom('reserve', 'reserve', 'settle', 'release', 'lapse', 'reset'),
    which: fc.nat(),
    tokens: fc.nat(1_000),
  }),
  { maxLength: 60 },
);

test('held is the sum of what is open, and used the sum of what was charged, in the window of each', () => {
  fc.assert(
    fc.property(steps, (history) => {
      let account = accountWith();
      let charges: { madeAt: number; tokens: number }[] = [];
      const all: typeof charges = [];
      let at = LAST_SECOND;
      for (const [number, step] of history.entries()) {
        at += step.passesMs;
        const open = account.open[step.which % Math.max(account.open.length, 1)];
        const entry = entryOf(step, String(number), open, at);
        if (entry === undefined) continue;
        account = apply(account, entry, UTC);
        if (entry.kind === 'reset') charges = [];
        if ((entry.kind === 'settled' || entry.kind === 'lapsed') && open !== undefined) {
          charges.push({ madeAt: open.madeAt, tokens: entry.used.tokens });
          all.push({ madeAt: open.madeAt, tokens: entry.used.tokens });
        }
        const { open: holds, sponsor } = account;
        for (const [buckets, charged] of [
          [account.buckets, charges],
          [sponsor.buckets, all],
        ] as const) {
          for (const { startsAt, used, held } of buckets) {
            expect(used.tokens).toBe(sumSince(startsAt, charged));
            expect(held.tokens).toBe(
              sumSince(
                startsAt,
                holds.map(({ madeAt, amount }) => ({ madeAt, tokens: amount.tokens })),
              ),
            );
          }
        }
      }
    }),
  );
});

function sumSince(startsAt: number, parts: readonly { madeAt: number; tokens: number }[]): number {
  return parts.filter(({ madeAt }) => madeAt >= startsAt).reduce((sum, { tokens }) => sum + tokens, 0);
}

function entryOf(
  { does, tokens }: { does: string; tokens: number },
  id: string,
  open: Reservation | undefined,
  at: number,
): LedgerEntry | undefined {
  if (does === 'reset') return { ...RESET, at };
  if (does === 'reserve') return reserved(reservationWith({ id, madeAt: at, amount: amountOf({ tokens }) }));
  if (open === undefined) return undefined;
  if (does === 'settle') return settled(open.id, amountOf({ tokens }));
  if (does === 'release') return released(open.id);
  return lapsed(open.id, open.amount);
}

function reserved(reservation: Reservation): LedgerEntry {
  const { id: requestId, keyId, madeAt: at } = reservation;
  const arrivalUs = at * 1_000;
  return { kind: 'reserved', requestId, keyId, at, reservation, endpoint: '/', stream: false, arrivalUs };
}

function imported(at: number, day: string, requests: number): LedgerEntry {
  const usage = { prompt: 0, completion: 0, cached: 0, cacheWritten: 0, reasoning: 0 };
  const past = {
    usedAt: Date.parse(day),
    used: amountOf({ requests }),
    usage,
    successes: requests,
    errors: 0,
  };
  return { kind: 'imported', keyId: 'key', at, ...past };
}

function settled(requestId: string, used: Amount): LedgerEntry {
  const rest = { overdraft: NOTHING, usage: null, source: 'estimate', outcome: SERVED } as const;
  return { kind: 'settled', requestId, keyId: 'key', at: NOON, used, ...rest };
}

function released(requestId: string): LedgerEntry {
  return { kind: 'released', requestId, keyId: 'key', at: NOON, outcome: SERVED };
}

function lapsed(requestId: string, used: Amount): LedgerEntry {
  return { kind: 'lapsed', requestId, keyId: 'key', at: NOON, used };
}
