import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Store } from '#core/ports.ts';
import type { UsagePage, UsageQuery } from '#core/reports.ts';
import { calendarOf } from '#core/window.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { noMemories, openMemoryStore } from '#test/fakes/memory-store.ts';
import {
  DAY_MS,
  FAILED,
  idOf,
  keyNumber,
  operation,
  pastUse,
  releasing,
  reserving,
  settling,
  usageOf,
} from './specimens.ts';
import type { OpenStore, StoreUnderTest } from './store-under-test.ts';

const RUNS = 8;
/** Pages that do not meet may never end. */
const PAGES_MAX = 500;
const MODELS = ['m', 'n', 'o'];
const KEYS = [1, 2, 3].map((n) => keyNumber(n, { models: MODELS }));
const CALENDAR = calendarOf('America/New_York');

type Step =
  | { readonly kind: 'use'; readonly key: number; readonly model: string; readonly ending: Ending }
  | { readonly kind: 'end'; readonly tokens: number }
  | { readonly kind: 'import'; readonly days: readonly number[] }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'report'; readonly query: UsageQuery };

/** `open` ends later, maybe on another day. */
type Ending = 'settled' | 'released' | 'open';

/** After any history, in a zone with a clock change, whatever was asked before, reports are plain sums over all entries. */
export function testUsageHistories(open: OpenStore): void {
  test('usage is what the entries add up to, whatever was reported before', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
        const subject = await open(CALENDAR);
        try {
          await live(steps, subject, openMemoryStore({ calendar: CALENDAR, data: noMemories() }));
          expect(await subject.problems()).toEqual([]);
        } finally {
          await subject.store.close();
        }
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  }, 120_000);
}

async function live(
  steps: readonly Step[],
  { store, problems }: StoreUnderTest,
  reference: Store,
): Promise<void> {
  const both = async <T>(act: (each: Store) => Promise<T>): Promise<void> => {
    expect(await act(store)).toEqual(await act(reference));
  };
  const open: { readonly n: number; readonly key: number }[] = [];
  let at = NOON - 23 * DAY_MS;
  let requests = 0;
  let imported = KEYS.length;
  for (const key of KEYS) await both((each) => each.keys.add(key, null));
  for (const next of steps) {
    switch (next.kind) {
      case 'use': {
        requests += 1;
        const [n, key] = [requests, keyAt(next.key)];
        const { call } = reserving(n, key);
        await both((each) =>
          each.ledger.execute(reserving(n, key, { at, call: { ...call, model: next.model } })),
        );
        if (next.ending === 'settled') {
          await both((each) => each.ledger.execute(settling(n, key, usageOf(n, 2), { at })));
        } else if (next.ending === 'released') {
          await both((each) => each.ledger.execute(releasing(n, key, { at, outcome: FAILED })));
        } else open.push({ n, key: next.key });
        break;
      }
      case 'end': {
        const last = open.shift();
        if (last === undefined) break;
        const usage = usageOf(1, next.tokens);
        await both((each) => each.ledger.execute(settling(last.n, keyAt(last.key), usage, { at })));
        break;
      }
      case 'import': {
        imported += 1;
        const key = keyNumber(imported);
        const history = next.days.map((days) =>
          pastUse(CALENDAR.windowOf('day', at - days * DAY_MS).startsAt, days),
        );
        await both((each) => each.keys.bringIn(key, history, at, operation('keys.import', key.id, at)));
        break;
      }
      case 'wait':
        at += next.ms;
        break;
      case 'report':
        await both((each) => pagesOf(each, next.query));
    }
  }
  // Before a report has everything written back.
  expect(await problems()).toEqual([]);
  for (const groupBy of GROUPS)
    for (const limit of [1, 7]) await both((each) => pagesOf(each, { groupBy, limit }));
}

/** All pages, each beginning where the one before ended. */
async function pagesOf(store: Store, query: UsageQuery): Promise<readonly UsagePage[]> {
  const pages: UsagePage[] = [];
  for (let more = true; more; ) {
    const after = pages.at(-1)?.rows.at(-1);
    const page = await store.reports.usage({ ...query, ...(after && { after }) });
    pages.push(page);
    more = page.more;
    expect(pages.length).toBeLessThan(PAGES_MAX);
  }
  return pages;
}

function keyAt(index: number) {
  const key = KEYS[index];
  if (key === undefined) throw new Error(`there is no key ${index}`);
  return key;
}

const GROUPS = ['key', 'model', 'key_model', 'day', 'month'] as const;
const index = fc.nat(KEYS.length - 1);
const day = fc.nat(80).map((days) => CALENDAR.dayOf(NOON + (days - 60) * DAY_MS));
const query: fc.Arbitrary<UsageQuery> = fc.record(
  {
    groupBy: fc.constantFrom(...GROUPS),
    limit: fc.constantFrom(1, 3, 50),
    sort: fc.constantFrom('requests', 'key'),
    fromDay: day,
    toDay: day,
    keyId: index.map((n) => idOf('key', n + 1)),
    model: fc.constantFrom(...MODELS, '', '(imported)'),
  },
  { requiredKeys: ['groupBy', 'limit'] },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('use'),
      key: index,
      // The last is one that no key may use: a refusal is counted, too.
      model: fc.constantFrom(...MODELS, 'p'),
      ending: fc.constantFrom('settled', 'released', 'open'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('end'), tokens: fc.nat(200) }) },
  fc.record({
    kind: fc.constant('import'),
    days: fc.uniqueArray(fc.constantFrom(0, 1, 2, 40), { maxLength: 3 }),
  }),
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.oneof(fc.nat(90_000), fc.nat(2 * DAY_MS)) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('report'), query }) },
);
