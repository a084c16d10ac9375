import fc from 'fast-check';
import { expect, test } from 'vitest';
import { accountWith, NOON, reserveOf, SERVED, UTC } from '#test/fakes/accounts.ts';
import { apply } from './apply.ts';
import { standingsOf } from './authorize.ts';
import { bringIn } from './bring-in.ts';
import type { Command } from './command.ts';
import { decide } from './decide.ts';
import type { LedgerEntry } from './ledger-entry.ts';
import type { Account, Amount, Call, Instant, Period, Quota } from './model.ts';
import { METERS, NOTHING, PERIODS } from './model.ts';
import type { PastUse } from './past-use.ts';

/** What the naive model knows of one request: a line in a list, and no counter anywhere. */
interface Line {
  readonly id: string;
  readonly key: number;
  readonly madeAt: Instant;
  amount: Amount;
  overdraft: Amount;
  isOpen: boolean;
  /** Ended before its key was reset. */
  isForgotten: boolean;
  /** Used in another system: in which minute or hour of its day, nobody knows, and no limit of ours was asked. */
  isImported: boolean;
}

interface Limits {
  readonly ofKeys: readonly (readonly Quota[])[];
  readonly ofSponsor: readonly Quota[];
}

interface Step {
  readonly does: 'reserve' | 'settle' | 'release' | 'lapse' | 'reset' | 'import';
  readonly key: number;
  readonly passesMs: number;
  readonly call: Partial<Call>;
  readonly which: number;
  /** What the upstream bills, as a share of the tokens in and out that it was allowed. */
  readonly share: number;
}

const quotas = fc.array(
  fc.record({ meter: fc.constantFrom(...METERS), period: fc.constantFrom(...PERIODS), limit: fc.nat(1_500) }),
  { maxLength: 3 },
);
const limits = fc.record({ ofKeys: fc.tuple(quotas, quotas), ofSponsor: quotas });

const stepsBilling = (shareMax: number): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      does: fc.constantFrom(
        'reserve',
        'reserve',
        'reserve',
        'settle',
        'settle',
        'release',
        'lapse',
        'reset',
        'import',
      ),
      key: fc.nat(1),
      // Clocks are set back, too.
      passesMs: fc.oneof(
        fc.nat(20_000),
        fc.nat(7_200_000),
        fc.integer({ min: -86_400_000, max: 86_400_000 }),
      ),
      call: fc.record({
        inputTokensMax: fc.nat(100),
        outputTokensMax: fc.option(fc.integer({ min: 1, max: 200 }), { nil: null }),
        choices: fc.integer({ min: 1, max: 3 }),
      }),
      which: fc.nat(),
      share: fc.double({ min: 0, max: shareMax, noNaN: true }),
    }),
    { maxLength: 80 },
  );

test('Q2: no interleaving spends more than any quota of a key or of the sponsor', () => {
  fc.assert(
    fc.property(limits, stepsBilling(1), (limits, steps) => {
      for (const { overdraft } of replay(limits, steps)) expect(overdraft).toEqual(NOTHING);
    }),
    { numRuns: 300 },
  );
});

test('Q2: only an upstream that bills more than it was allowed overspends, and that is on record', () => {
  fc.assert(
    fc.property(limits, stepsBilling(2), (limits, steps) => void replay(limits, steps)),
    { numRuns: 300 },
  );
});

/** Plays `steps` on two keys of one sponsor, and checks each against the naive model. */
function replay(limits: Limits, steps: readonly Step[]): readonly Line[] {
  let accounts = limits.ofKeys.map((quotas, key) => accountWith({ id: `key-${key}`, quotas }));
  let sponsor = { ...accountWith().sponsor, quotas: limits.ofSponsor };
  const lines: Line[] = [];
  let at = NOON;
  for (const [number, step] of steps.entries()) {
    at += step.passesMs;
    const account: Account = { ...(accounts[step.key] ?? accountWith()), sponsor };
    const { entries, result, command } = happen(step, account, at, `request-${number}`);
    if (command?.kind === 'reserve') {
      const now = Math.max(at, sponsor.latestAt);
      expect(result !== undefined && 'admitted' in result && result.admitted).toBe(
        fits(limits, lines, step, command.call, now),
      );
    }
    let after = account;
    for (const entry of entries) {
      after = apply(after, entry, UTC);
      write(lines, entry, step.key);
    }
    sponsor = after.sponsor;
    accounts = accounts.map((other, key) => (key === step.key ? after : other));
    check(limits, lines, accounts, sponsor);
  }
  return lines;
}

function happen(step: Step, account: Account, at: Instant, requestId: string) {
  if (step.does === 'import') {
    const entries = bringIn(
      account.key.id,
      [pastUse(step, Math.max(at, account.sponsor.latestAt))],
      account.sponsor,
      at,
    );
    return { entries, result: undefined, command: undefined };
  }
  const command = commandOf(step, account, at, requestId);
  if (command === undefined) return { entries: [], result: undefined, command };
  return { ...decide(account, command, UTC), command };
}

/** Use of today, of this month, or of long ago. */
function pastUse({ which, call }: Step, now: Instant): PastUse {
  const used = { requests: 1 + (which % 3), tokens: call.inputTokensMax ?? 0, cost: which % 50 };
  const usage = { prompt: used.tokens, completion: 0, cached: 0, cacheWritten: 0, reasoning: 0 };
  const day = now - ([0, 3, 40][which % 3] ?? 0) * 86_400_000;
  return { usedAt: UTC.windowOf('day', day).startsAt, used, usage, successes: used.requests, errors: 0 };
}

function commandOf(step: Step, account: Account, at: Instant, requestId: string): Command | undefined {
  const keyId = account.key.id;
  if (step.does === 'reserve') return reserveOf(step.call, { at, requestId });
  if (step.does === 'reset') return { kind: 'reset', at, keyId };
  const open = account.open[step.which % Math.max(account.open.length, 1)];
  if (open === undefined) return undefined;
  const ends = { at, requestId: open.id, keyId };
  if (step.does === 'lapse') return { kind: 'lapse', ...ends };
  if (step.does === 'release') return { kind: 'release', ...ends, outcome: SERVED };
  // At a micro a token in and two a token out, both follow from the sums.
  const output = open.amount.cost - open.amount.tokens;
  const share = (tokens: number) => Math.floor(tokens * step.share);
  const usage = {
    prompt: share(open.amount.tokens - output),
    completion: share(output),
    cached: 0,
    cacheWritten: 0,
    reasoning: 0,
  };
  return { kind: 'settle', ...ends, usage, outcome: SERVED };
}

/** What the naive model makes of a fact. */
function write(lines: Line[], entry: LedgerEntry, key: number): void {
  if (entry.kind === 'reserved') {
    const { id, madeAt, amount } = entry.reservation;
    lines.push({
      id,
      key,
      madeAt,
      amount,
      overdraft: NOTHING,
      isOpen: true,
      isForgotten: false,
      isImported: false,
    });
  } else if (entry.kind === 'reset') {
    for (const line of lines) if (line.key === key && !line.isOpen) line.isForgotten = true;
  } else if (entry.kind === 'imported') {
    const { usedAt: madeAt, used: amount } = entry;
    const past = { isOpen: false, isForgotten: false, isImported: true };
    lines.push({ id: 'another system', key, madeAt, amount, overdraft: NOTHING, ...past });
  } else {
    const line = lines.find(({ id }) => id === entry.requestId);
    if (line === undefined) throw new Error('an end without a beginning');
    line.isOpen = false;
    line.amount = entry.kind === 'released' ? NOTHING : entry.used;
    if (entry.kind === 'settled') line.overdraft = entry.overdraft;
  }
}

function check(
  limits: Limits,
  lines: readonly Line[],
  accounts: readonly Account[],
  sponsor: Account['sponsor'],
) {
  const holders = accounts.map(({ buckets }, key) => ({
    quotas: limits.ofKeys[key] ?? [],
    buckets,
    lines: linesOf(lines, key),
  }));
  holders.push({ quotas: limits.ofSponsor, buckets: sponsor.buckets, lines: [...lines] });
  for (const { quotas, buckets, lines } of holders) {
    for (const { meter, period, limit } of quotas) {
      for (const window of new Set(lines.map(({ madeAt }) => windowName(period, madeAt)))) {
        // What was imported was not asked for; that it leaves the less to others, `fits` says of each admission.
        const own = inWindow(lines, period, window).filter(({ isImported }) => !isImported);
        expect(sum(own, ({ amount, overdraft }) => amount[meter] - overdraft[meter])).toBeLessThanOrEqual(
          limit,
        );
      }
    }
    for (const { meter, period, used, held } of standingsOf(quotas, buckets, sponsor.latestAt, UTC)) {
      const inside = inWindow(lines, period, windowName(period, sponsor.latestAt));
      expect(used).toBe(sum(inside, ({ isOpen, amount }) => (isOpen ? 0 : amount[meter])));
      expect(held).toBe(sum(inside, ({ isOpen, amount }) => (isOpen ? amount[meter] : 0)));
    }
  }
}

/** Whether the least answer that makes sense fits every quota, by adding up the lines. */
function fits(limits: Limits, lines: readonly Line[], { key }: Step, call: Call, now: Instant): boolean {
  const output = Math.min(call.outputTokensMax ?? 16, 16) * call.choices;
  const least = { requests: 1, tokens: call.inputTokensMax + output, cost: call.inputTokensMax + 2 * output };
  const hasRoom =
    (lines: readonly Line[]) =>
    ({ meter, period, limit }: Quota) => {
      const inside = inWindow(lines, period, windowName(period, now));
      return sum(inside, ({ amount }) => amount[meter]) + least[meter] <= limit;
    };
  return (
    (limits.ofKeys[key] ?? []).every(hasRoom(linesOf(lines, key))) && limits.ofSponsor.every(hasRoom(lines))
  );
}

function linesOf(lines: readonly Line[], key: number): Line[] {
  return lines.filter((line) => line.key === key && !line.isForgotten);
}

function inWindow(lines: readonly Line[], period: Period, window: string): Line[] {
  const isKnown = ({ isImported }: Line) => !(isImported && (period === 'minute' || period === 'hour'));
  return lines.filter((line) => isKnown(line) && windowName(period, line.madeAt) === window);
}

function sum(lines: readonly Line[], part: (line: Line) => number): number {
  return lines.reduce((total, line) => total + part(line), 0);
}

/** Windows of UTC as ISO 8601 abbreviates an instant: `2026-11-24T12:00`, `2026-11-24T12`, … */
function windowName(period: Period, at: Instant): string {
  const length = { minute: 16, hour: 13, day: 10, month: 7, total: 0 }[period];
  return new Date(at).toISOString().slice(0, length);
}
