import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Command } from '#core/command.ts';
import type { Quota } from '#core/model.ts';
import type { Store } from '#core/ports.ts';
import { type Calendar, calendarOf } from '#core/window.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { noMemories, openMemoryStore } from '#test/fakes/memory-store.ts';
import {
  DAY_MS,
  FAILED,
  idOf,
  keyNumber,
  MINUTE_MS,
  operation,
  pastUse,
  requestsADay,
  reserving,
  rotation,
  SERVED,
} from './specimens.ts';
import type { OpenStore, StoreUnderTest } from './store-under-test.ts';

const RUNS = 20;
const KEYS = [0, 1, 2];
/** Not there at the beginning: some of them are brought in. */
const FOREIGN_KEYS = [3, 4];

/** What happens next. Numbers are picked from what there is at that moment. */
type Step =
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'commands'; readonly commands: readonly Ask[] }
  | {
      readonly kind: 'amend';
      readonly key: number;
      readonly quotas: readonly Quota[];
      readonly disabled: boolean;
    }
  | { readonly kind: 'rotate'; readonly key: number; readonly graceMs: number }
  | { readonly kind: 'sponsor'; readonly quotas: readonly Quota[] }
  | {
      readonly kind: 'import';
      readonly key: number;
      readonly days: readonly number[];
      readonly tokens: number;
    }
  | {
      readonly kind: 'remove';
      readonly olderMs: number;
      readonly throughN: number | null;
      readonly entries: number;
    }
  | { readonly kind: 'expire' }
  | { readonly kind: 'report' }
  | { readonly kind: 'crash' };

/** A command in the making. */
type Ask =
  | { readonly kind: 'reserve'; readonly key: number; readonly input: number; readonly output: number | null }
  | { readonly kind: 'settle'; readonly request: number; readonly tokens: number | null }
  | { readonly kind: 'release' | 'lapse'; readonly request: number }
  | { readonly kind: 'reset'; readonly key: number };

/** Random histories, in a zone with a clock change, give the same answers from a store and from the reference. */
export function testAgainstReference(open: OpenStore): void {
  test('Q2: any history with crashes between commits gives the same answers, and breaks no invariant', async () => {
    const calendar = calendarOf('America/New_York');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        await live(steps, await open(calendar), calendar);
      }),
      // A failure names its seed and path: give both here to see it again.
      { numRuns: RUNS, endOnFailure: true },
    );
  }, 120_000);
}

interface Life {
  at: number;
  readonly calendar: Calendar;
  /** The key of each request. */
  readonly keys: number[];
  rotations: number;
}

async function live(steps: readonly Step[], first: StoreUnderTest, calendar: Calendar): Promise<void> {
  // The reference keeps its memory through a crash, but must know of it, for then all that is open is nobody's.
  const data = noMemories();
  let reference = openMemoryStore({ calendar, data });
  let subject = first;
  const life: Life = { at: NOON - 23 * DAY_MS, calendar, keys: [], rotations: 0 };
  try {
    const both = (act: (store: Store) => Promise<unknown>) => agree(act, subject.store, reference);
    for (const n of KEYS) await both((store) => store.keys.add(keyNumber(n, { requestsPerMinute: 0 }), null));
    for (const next of steps) {
      if (next.kind === 'crash') {
        const crashed = subject;
        subject = await crashed.crash();
        await crashed.store.close();
        reference = openMemoryStore({ calendar, data });
      } else await take(next, life, both);
      for (const n of [...KEYS, ...FOREIGN_KEYS])
        await both((store) => store.keys.account({ id: idOf('key', n) }));
      await both((store) => store.ledger.lapsed(life.at, 5));
    }
    expect(await subject.problems()).toEqual([]);
  } finally {
    await subject.store.close();
  }
}

async function agree(act: (store: Store) => Promise<unknown>, store: Store, reference: Store): Promise<void> {
  const outcome = (promise: Promise<unknown>) => promise.catch(() => 'rejected');
  expect(await outcome(act(store))).toEqual(await outcome(act(reference)));
}

async function take(
  next: Exclude<Step, { kind: 'crash' }>,
  life: Life,
  both: (act: (store: Store) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const { at } = life;
  switch (next.kind) {
    case 'wait':
      life.at += next.ms;
      return;
    case 'commands': {
      const commands = next.commands.map((ask) => commandOf(ask, life));
      return both((store) =>
        Promise.all(commands.map((command) => store.ledger.execute(command).catch(() => 'rejected'))),
      );
    }
    case 'amend': {
      const { key, quotas, disabled } = next;
      const id = idOf('key', key);
      return both((store) => store.keys.amend(id, { at, quotas, disabled }, operation('keys.patch', id, at)));
    }
    case 'rotate': {
      const id = idOf('key', next.key);
      life.rotations += 1;
      const made = rotation(life.rotations, next.graceMs, at);
      await both((store) => store.keys.rotate(id, made, operation('keys.rotate', id, at)));
      // Whose a digest was, a store may know from before.
      return both((store) => store.keys.account({ digest: keyNumber(next.key).digest }));
    }
    case 'sponsor':
      return both((store) =>
        store.keys.setSponsorQuotas(next.quotas, at, operation('sponsor.set', 'sponsor', at)),
      );
    case 'import': {
      const made = keyNumber(next.key, { quotas: requestsADay(9), quotasSetAt: at });
      const history = next.days.map((days) =>
        pastUse(life.calendar.windowOf('day', at - days * DAY_MS).startsAt, next.tokens),
      );
      const log = operation('keys.import', made.id, at);
      return both((store) => store.keys.bringIn(made, history, at, log));
    }
    case 'remove':
      return both(async (store) => {
        // A report writes back what is in memory: only what every account's row has can be removed.
        await store.reports.usage({ groupBy: 'day', limit: 1 });
        const { olderMs, throughN, entries: entriesMax } = next;
        const removal = await store.retention.removeEntries({ before: at - olderMs, throughN, entriesMax });
        const days = await store.retention.daysInUse(at, 3);
        const { removedEntries, removedUntil, oldestAt } = await store.health.status();
        return { removal, days, removedEntries, removedUntil, oldestAt };
      });
    case 'expire':
      return both(async (store) => {
        for (const lapsed of await store.ledger.lapsed(at, 10)) {
          await store.ledger.execute({ kind: 'lapse', at, ...lapsed });
        }
      });
    case 'report':
      await both((store) => reportsOf(store));
      return both((store) => store.operations.list({ limit: 50 }));
  }
}

/** All reports, without the rejections, the last of which a crash may lose. */
async function reportsOf(store: Store): Promise<unknown> {
  const { rows } = await store.reports.usage({ groupBy: 'key_model', limit: 100 });
  const counted = rows.filter(({ model }) => model !== '');
  const { items } = await store.reports.receipts({ limit: 20 });
  const some = ['open', 'settled', 'released', 'lapsed'] as const;
  const byStatus = some.map((status) => store.reports.receipts({ limit: 3, status, before: 40 }));
  const estimated = await store.reports.receipts({ limit: 5, source: 'estimate' });
  return { counted, items, byStatus: await Promise.all(byStatus), estimated };
}

function commandOf(ask: Ask, life: Life): Command {
  const { at } = life;
  switch (ask.kind) {
    case 'reserve': {
      life.keys.push(ask.key);
      const command = reserving(life.keys.length, keyNumber(ask.key), { at, lapsesAt: at + 5 * MINUTE_MS });
      const call = { ...command.call, inputTokensMax: ask.input, outputTokensMax: ask.output };
      return { ...command, call };
    }
    case 'reset':
      return { kind: 'reset', at, keyId: idOf('key', ask.key) };
    case 'settle': {
      const { tokens } = ask;
      const usage =
        tokens === null ? null : { prompt: 1, completion: tokens, cached: 1, cacheWritten: 0, reasoning: 0 };
      return { kind: 'settle', at, ...requestOf(ask.request, life), usage, outcome: SERVED };
    }
    case 'release':
      return { kind: 'release', at, ...requestOf(ask.request, life), outcome: FAILED };
    case 'lapse':
      return { kind: 'lapse', at, ...requestOf(ask.request, life) };
  }
}

/** One of the last requests and its key; now and then another key: then nothing must happen. */
function requestOf(pick: number, { keys }: Life) {
  const request = Math.max(1, keys.length - (pick % 6));
  const key = pick % 11 === 0 ? pick % KEYS.length : (keys[request - 1] ?? 0);
  return { requestId: idOf('request', request), keyId: idOf('key', key) };
}

const key = fc.constantFrom(...KEYS, ...FOREIGN_KEYS);
const quotas = fc.array(
  fc.record({
    meter: fc.constantFrom('requests', 'tokens', 'cost'),
    period: fc.constantFrom('minute', 'hour', 'day', 'month', 'total'),
    limit: fc.integer({ min: 0, max: 400 }),
  }),
  { maxLength: 3 },
);
const request = fc.nat(1000);
const ask: fc.Arbitrary<Ask> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('reserve'),
      key,
      input: fc.integer({ min: 1, max: 30 }),
      output: fc.option(fc.integer({ min: 16, max: 100 })),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('settle'),
      request,
      tokens: fc.option(fc.integer({ min: 0, max: 200 })),
    }),
  },
  fc.record({ kind: fc.constantFrom('release', 'lapse'), request }),
  fc.record({ kind: fc.constant('reset'), key }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('commands'),
      commands: fc.array(ask, { minLength: 1, maxLength: 8 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait'),
      ms: fc.oneof(fc.integer({ min: -5000, max: 90_000 }), fc.nat(2 * DAY_MS)),
    }),
  },
  fc.record({ kind: fc.constant('amend'), key, quotas, disabled: fc.boolean() }),
  fc.record({
    kind: fc.constant('rotate'),
    key,
    graceMs: fc.constantFrom(0, MINUTE_MS, 2 * DAY_MS),
  }),
  fc.record({ kind: fc.constant('sponsor'), quotas }),
  fc.record({
    kind: fc.constant('import'),
    key: fc.constantFrom(...FOREIGN_KEYS),
    days: fc.array(fc.constantFrom(0, 1, 2, 40), { maxLength: 3 }),
    tokens: fc.nat(200),
  }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('remove'),
      olderMs: fc.oneof(fc.integer({ min: -5000, max: 90_000 }), fc.nat(3 * DAY_MS)),
      throughN: fc.option(fc.nat(30), { freq: 3 }),
      entries: fc.integer({ min: 1, max: 20 }),
    }),
  },
  fc.record({ kind: fc.constantFrom('expire', 'report', 'crash') }),
);
