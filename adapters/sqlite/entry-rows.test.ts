import { expect, test } from 'vitest';
import type { EntryRow } from './entry-rows.ts';
import { entryOf } from './entry-rows.ts';

const OUTCOME = { status: 200, upstream_ms: 20, duration_ms: 30 };

test.each([
  { name: 'from before there were several', outcome: OUTCOME, upstream: null },
  { name: 'of a request that was sent nowhere', outcome: { ...OUTCOME, upstream: null }, upstream: null },
  { name: 'of one that was answered', outcome: { ...OUTCOME, upstream: 'reserve' }, upstream: 'reserve' },
])('the upstream of a row $name is $upstream', ({ outcome, upstream }) => {
  const row: EntryRow = {
    ...{ n: 2, kind: 'released', request_id: Buffer.alloc(16, 1), key_id: Buffer.alloc(16, 2), at: 5 },
    ...{ requests: 0, tokens: 0, cost_micros: 0, details: JSON.stringify({ outcome }) },
  };
  expect(entryOf(row)).toMatchObject({
    kind: 'released',
    outcome: { status: 200, upstreamMs: 20, durationMs: 30, upstream },
  });
});
