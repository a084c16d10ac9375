import { expect, test } from 'vitest';
import { emptyBuckets } from './apply.ts';
import {
  ancestry,
  differencesFrom,
  fencedBy,
  type Head,
  isSameBalance,
  type Manifest,
  manifestName,
  nextSnapshotId,
  rowsBetween,
  segmentIn,
  segmentName,
  snapshotFor,
  snapshotIdOf,
} from './backup.ts';
import type { Lineage, SnapshotFacts } from './snapshot.ts';

const AT = Date.UTC(2026, 10, 25, 8, 37, 16, 123);
const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(32)) as [string, string, string];
const MARK = { ledgerN: 10, operationN: 2, keyChangeN: 3 };
const TABLES = { ledger: { rows: 10, digest: '1'.repeat(64) }, keys: { rows: 1, digest: '2'.repeat(64) } };

function manifestWith(changes: Partial<Manifest>): Manifest {
  const createdAt = changes.createdAt ?? AT;
  return {
    id: snapshotIdOf(createdAt),
    lineage: { id: A, parent: null },
    createdAt,
    version: '1.2.3',
    schema: 2,
    timeZone: 'UTC',
    mark: MARK,
    tables: TABLES,
    database: { bytes: 4096, sha256: '3'.repeat(64) },
    object: { name: 'x', bytes: 100, sha256: '4'.repeat(64) },
    recipient: null,
    pepperCheck: '5'.repeat(16),
    segment: { number: 0, sha256: '' },
    shippedThrough: 0,
    ...changes,
  };
}

function headOf(lineage: Lineage, claim = 'ours'): Head {
  return { lineage, claim, claimedAt: AT };
}

test('names sort as what they name', () => {
  expect(snapshotIdOf(AT)).toBe('20261125T083716Z');
  expect(manifestName(A, '20261125T083716Z')).toBe(`snapshots/${A}/20261125T083716Z.json`);
  expect(segmentName(A, 42)).toBe(`segments/${A}/000000000042.segment`);
  expect(segmentIn(segmentName(A, 42))).toEqual({ lineage: A, number: 42 });
  expect(segmentName(A, 9) < segmentName(A, 10)).toBe(true);
});

test('no name is given twice, however many are begun in one second', () => {
  expect(nextSnapshotId(AT, null)).toBe('20261125T083716Z');
  expect(nextSnapshotId(AT, { id: '20261125T083715Z' })).toBe('20261125T083716Z');
  expect(nextSnapshotId(AT, { id: '20261125T083716Z' })).toBe('20261125T083717Z');
  expect(nextSnapshotId(AT, { id: '20261125T083759Z' })).toBe('20261125T083800Z');
  expect(nextSnapshotId(Date.UTC(2026, 11, 31, 23, 59, 59), { id: '20261231T235959Z' })).toBe(
    '20270101T000000Z',
  );
  // A clock that ran ahead is not followed.
  expect(nextSnapshotId(AT, { id: '20261125T093716Z' })).toBe('20261125T083716Z');
});

test.each([
  `segments/${A}/42.segment`,
  `segments/x/000000000042.segment`,
  `x${segmentName(A, 1)}`,
  `${segmentName(A, 1)}.tmp`,
])('%s names no segment', (name) => {
  expect(segmentIn(name)).toBeUndefined();
});

test.each([
  { name: 'nobody’s', head: undefined, lineage: { id: A, parent: null }, claim: undefined, says: undefined },
  {
    name: 'its own',
    head: headOf({ id: A, parent: null }),
    lineage: { id: A, parent: null },
    claim: 'ours',
    says: undefined,
  },
  {
    name: 'claimed by a copy of it',
    head: headOf({ id: A, parent: null }, 'theirs'),
    lineage: { id: A, parent: null },
    claim: 'ours',
    says: /a copy of this database/,
  },
  {
    name: 'claimed by a copy before it claimed anything',
    head: headOf({ id: A, parent: null }),
    lineage: { id: A, parent: null },
    claim: undefined,
    says: /a copy of this database/,
  },
  {
    name: 'that of what it was restored from, in its place',
    head: headOf({ id: A, parent: null }),
    lineage: { id: B, parent: A },
    claim: 'by the restore',
    says: undefined,
  },
  {
    name: 'that of what it is a restored copy of',
    head: headOf({ id: A, parent: null }),
    lineage: { id: B, parent: A },
    claim: undefined,
    says: /another database, of lineage a+/,
  },
  {
    name: 'taken over by what was restored from it',
    head: headOf({ id: B, parent: A }),
    lineage: { id: A, parent: null },
    claim: 'ours',
    says: /restored from this database/,
  },
  {
    name: 'taken over by another restore of the same',
    head: headOf({ id: C, parent: A }),
    lineage: { id: B, parent: A },
    claim: 'ours',
    says: /another database, of lineage c+/,
  },
])('a vault that is $name', ({ head, lineage, claim, says }) => {
  const why = fencedBy(head, lineage, claim);
  if (says === undefined) expect(why).toBeUndefined();
  else expect(why).toMatch(says);
});

const FACTS: SnapshotFacts = {
  lineage: { id: A, parent: null },
  schema: 2,
  mark: MARK,
  tables: TABLES,
  bytes: 4096,
};

test.each([
  { name: 'the same', facts: FACTS, says: [] },
  {
    name: 'another lineage',
    facts: { ...FACTS, lineage: { id: B, parent: null } },
    says: [/its lineage is b+/],
  },
  { name: 'another schema', facts: { ...FACTS, schema: 3 }, says: [/its schema is 3, the manifest says 2/] },
  { name: 'another size', facts: { ...FACTS, bytes: 1 }, says: [/its size/] },
  {
    name: 'an entry less',
    facts: { ...FACTS, mark: { ...MARK, ledgerN: 9 } },
    says: [/last ledger entry is 9/],
  },
  {
    name: 'an operation more',
    facts: { ...FACTS, mark: { ...MARK, operationN: 3 } },
    says: [/last operation is 3/],
  },
  {
    name: 'another row',
    facts: { ...FACTS, tables: { ...TABLES, keys: { rows: 1, digest: '9'.repeat(64) } } },
    says: [/digest of keys/],
  },
  {
    name: 'a table less',
    facts: { ...FACTS, tables: { ledger: TABLES.ledger } },
    says: [/rows in keys/, /digest of keys/],
  },
  {
    name: 'a table more',
    facts: { ...FACTS, tables: { ...TABLES, more: { rows: 0, digest: '0'.repeat(64) } } },
    says: [/rows in more/, /digest of more/],
  },
])('a copy that has $name', ({ facts, says }) => {
  const found = differencesFrom(manifestWith({}), facts);
  expect(found).toHaveLength(says.length);
  for (const [index, pattern] of says.entries()) expect(found[index]).toMatch(pattern);
});

const HOUR_MS = 3_600_000;
const OLD = manifestWith({ createdAt: AT });
const NEW = manifestWith({ createdAt: AT + HOUR_MS });
const RESTORED = manifestWith({ createdAt: AT + 2 * HOUR_MS, lineage: { id: B, parent: A } });
const LATER = manifestWith({ createdAt: AT + 3 * HOUR_MS });
const AGAIN = manifestWith({ createdAt: AT + 5 * HOUR_MS, lineage: { id: C, parent: A } });
const AHEAD = manifestWith({ createdAt: AT + 72 * HOUR_MS, segment: { number: 1, sha256: '' } });
const AFTER = manifestWith({ createdAt: AT + 4 * HOUR_MS, segment: { number: 2, sha256: '' } });

test.each([
  { name: 'the newest', target: { kind: 'latest' as const }, lineages: [A], found: LATER },
  {
    name: 'the newest of the current lineage',
    target: { kind: 'latest' as const },
    lineages: [B, A],
    found: RESTORED,
  },
  {
    name: 'that of the parent, where there is none yet',
    target: { kind: 'latest' as const },
    lineages: [C, A],
    found: LATER,
  },
  { name: 'none of strangers', target: { kind: 'latest' as const }, lineages: [C], found: undefined },
  { name: 'one by its id', target: { kind: 'snapshot' as const, id: OLD.id }, lineages: [A], found: OLD },
  {
    name: 'one by its id, whosever it is',
    target: { kind: 'snapshot' as const, id: OLD.id },
    lineages: [C],
    found: OLD,
  },
  {
    name: 'none by an unknown id',
    target: { kind: 'snapshot' as const, id: '20000101T000000Z' },
    lineages: [A],
    found: undefined,
  },
  {
    name: 'the last before an instant',
    target: { kind: 'instant' as const, at: AT + 1.5 * HOUR_MS },
    lineages: [A],
    found: NEW,
  },
  {
    name: 'the one of that very instant',
    target: { kind: 'instant' as const, at: AT + HOUR_MS },
    lineages: [A],
    found: NEW,
  },
  {
    name: 'what the current lineage had then',
    target: { kind: 'instant' as const, at: AT + 4 * HOUR_MS },
    lineages: [B, A],
    found: RESTORED,
  },
  {
    name: 'what its parent had before it began',
    target: { kind: 'instant' as const, at: AT + 10 },
    lineages: [B, A],
    found: OLD,
  },
  {
    name: 'nothing before the first',
    target: { kind: 'instant' as const, at: AT - 1 },
    lineages: [A],
    found: undefined,
  },
])('to restore: $name', ({ target, lineages, found }) => {
  expect(snapshotFor([OLD, NEW, RESTORED, LATER], target, lineages)).toBe(found);
});

test('an instant of a lineage that a later restore turned away from is its own, not its parent’s', () => {
  const at = (hours: number) => ({ kind: 'instant' as const, at: AT + hours * HOUR_MS });
  const found = (hours: number) => snapshotFor([OLD, NEW, RESTORED, AGAIN], at(hours), [C, A]);
  expect([1.5, 2.5, 5.5].map(found)).toEqual([NEW, RESTORED, AGAIN]);
});

test('what was made while the clock ran ahead is not the newest, of what was made after it was set right', () => {
  expect(snapshotFor([OLD, AHEAD, AFTER], { kind: 'latest' }, [A])).toBe(AFTER);
  expect(snapshotFor([OLD, AHEAD, AFTER], { kind: 'instant', at: AT + 73 * HOUR_MS }, [A])).toBe(AFTER);
});

test('the ancestry of a lineage goes back as far as manifests tell, and ends where it would go in circles', () => {
  const second = manifestWith({ lineage: { id: B, parent: A } });
  expect(ancestry(headOf({ id: C, parent: B }), [second, OLD])).toEqual([C, B, A]);
  expect(ancestry(headOf({ id: C, parent: B }), [])).toEqual([C, B]);
  expect(ancestry(headOf({ id: A, parent: B }), [second])).toEqual([A, B]);
});

test('sums over all keys are the same where every window and meter is, but for local days and months', () => {
  const buckets = emptyBuckets();
  const [first, ...rest] = buckets;
  if (first === undefined) throw new Error('no buckets');
  expect(isSameBalance(buckets, emptyBuckets())).toBe(true);
  expect(isSameBalance(buckets, rest)).toBe(false);
  const moved = buckets.map((bucket) => ({ ...bucket, startsAt: /day|month/.test(bucket.period) ? 1 : 0 }));
  expect(isSameBalance(buckets, moved)).toBe(true);
  expect(isSameBalance(buckets, [{ ...first, startsAt: 1 }, ...rest])).toBe(false);
  for (const part of ['used', 'held'] as const) {
    for (const meter of ['requests', 'tokens', 'cost'] as const) {
      const other = { ...first, [part]: { ...first[part], [meter]: 1 } };
      expect(isSameBalance(buckets, [other, ...rest])).toBe(false);
    }
  }
});

test('rows between two marks are those of all three kinds', () => {
  expect(rowsBetween(MARK, { ledgerN: 11, operationN: 4, keyChangeN: 6 })).toBe(6);
  expect(rowsBetween(MARK, MARK)).toBe(0);
});
