import fc from 'fast-check';
import { expect, test } from 'vitest';
import { apply } from '#core/apply.ts';
import { decide } from '#core/decide.ts';
import type { Account, Instant, Period } from '#core/model.ts';
import { calendarOf } from '#core/window.ts';
import { accountWith, reserveOf, SERVED } from '#test/fakes/accounts.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const LIMIT = 3;

/** Where a local day has 23, 24½ or 25 hours or begins at one o'clock, and where days, months and years end. */
const EDGES = [
  { zone: 'Europe/Berlin', at: '2026-03-29T01:00:00Z' },
  { zone: 'Europe/Berlin', at: '2026-10-25T01:00:00Z' },
  { zone: 'America/New_York', at: '2026-11-01T06:00:00Z' },
  { zone: 'America/Havana', at: '2026-03-08T05:00:00Z' },
  { zone: 'Australia/Lord_Howe', at: '2026-04-04T15:00:00Z' },
  { zone: 'Asia/Kolkata', at: '2026-06-30T18:30:00Z' },
  { zone: 'UTC', at: '2026-12-31T23:59:59.999Z' },
] as const;

interface Step {
  readonly passesMs: number;
  readonly jumpsMs: number;
  readonly does: 'reserve' | 'settle' | 'release';
}

/** From hours before an edge to hours after it, back and forth. */
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    passesMs: fc.oneof(fc.constantFrom(0, 1, MINUTE), fc.nat(40 * MINUTE)),
    jumpsMs: fc.oneof(
      { weight: 4, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.constantFrom(HOUR, -HOUR) },
      { weight: 1, arbitrary: fc.integer({ min: -HOUR, max: HOUR }) },
    ),
    does: fc.constantFrom('reserve', 'reserve', 'reserve', 'settle', 'release'),
  }),
  { minLength: 10, maxLength: 60 },
);
const lives = fc.tuple(
  fc.constantFrom(...EDGES),
  fc.constantFrom<Period[]>('minute', 'hour', 'day', 'month'),
  steps,
);

test('D12: clocks that jump at the edges of days and periods fill no window twice, and lock nobody out', () => {
  fc.assert(
    fc.property(lives, ([edge, period, steps]) => {
      expect(Math.max(0, ...live(edge, period, steps, decide).counts)).toBeLessThanOrEqual(LIMIT);
    }),
    { numRuns: 400 },
  );
});

test('D12: the same clocks fill windows twice, where the ledger believes them', () => {
  const believing: typeof decide = (account, command, calendar) =>
    decide(account && { ...account, sponsor: { ...account.sponsor, latestAt: 0 } }, command, calendar);
  const found = fc.check(
    fc.property(lives, ([edge, period, steps]) =>
      live(edge, period, steps, believing).counts.every((count) => count <= LIMIT),
    ),
    { numRuns: 400 },
  );
  expect(found.failed).toBe(true);
});

test.each(EDGES)(
  'D12: a key expires at its instant by the clock as it is, at $at in $zone',
  ({ zone, at }) => {
    const expiresAt = Date.parse(at);
    const account = accountWith({ expiresAt });
    const isLetIn = (now: Instant) =>
      decide(account, reserveOf({}, { at: now }), calendarOf(zone)).entries.length === 1;
    expect([-HOUR, -1, 0, HOUR, -1].map((ms) => isLetIn(expiresAt + ms))).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
  },
);

/** What was used or is held in each window that people would name, and whether a later one is open to all. */
function live(edge: (typeof EDGES)[number], period: Period, steps: readonly Step[], decideBy: typeof decide) {
  const calendar = calendarOf(edge.zone);
  const nameOf = windowNames(edge.zone, period);
  let now = Date.parse(edge.at) - 4 * HOUR;
  let account: Account = accountWith({
    quotas: [{ meter: 'requests', period, limit: LIMIT }],
    quotasSetAt: 0,
  });
  const charged = new Map<string, string>();
  const act = (command: Parameters<typeof decide>[1]) => {
    const { entries } = decideBy(account, command, calendar);
    for (const entry of entries) {
      account = apply(account, entry, calendar);
      if (entry.kind === 'reserved') charged.set(entry.requestId, nameOf(entry.at));
      if (entry.kind === 'released') charged.delete(entry.requestId);
    }
    return entries.length;
  };
  for (const [number, { passesMs, jumpsMs, does }] of steps.entries()) {
    now += passesMs + jumpsMs;
    const [open] = account.open;
    const ends = { at: now, requestId: open?.id ?? 'none', keyId: account.key.id, outcome: SERVED };
    if (does === 'reserve') act(reserveOf({}, { at: now, requestId: `request-${number}` }));
    else act(does === 'release' ? { kind: 'release', ...ends } : { kind: 'settle', usage: null, ...ends });
  }
  const counts = [...Map.groupBy(charged.values(), (name) => name).values()].map(({ length }) => length);
  // By the next window after all that it was ever told, whatever was held or used is no more in the way.
  const next = calendar.windowOf(period, Math.max(now, account.sponsor.latestAt)).endsAt ?? now;
  for (let more = 0; more < LIMIT; more += 1) {
    expect(act(reserveOf({}, { at: next, requestId: `later-${more}` }))).toBe(1);
  }
  expect(act(reserveOf({}, { at: next, requestId: 'too many' }))).toBe(0);
  return { counts };
}

/** Days and months by their local dates; hours and minutes are those of UTC, of which none comes twice. */
function windowNames(timeZone: string, period: Period): (at: Instant) => string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' });
  const length = { minute: 16, hour: 13, day: 10, month: 7, total: 0 }[period];
  const isLocal = period === 'day' || period === 'month';
  return (at) => (isLocal ? format.format(at) : new Date(at).toISOString()).slice(0, length);
}
