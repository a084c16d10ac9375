import { expect, test } from 'vitest';
import { NOON } from '#test/fakes/accounts.ts';
import { watchTroubles } from './troubles.ts';

function openWatch() {
  const lines: string[] = [];
  const time = { now: NOON, elapsedMs: 0 };
  const troubles = watchTroubles({
    clock: { now: () => time.now, elapsedMs: () => time.elapsedMs },
    observer: {
      requestEnded: () => {},
      warned: () => expect.fail(),
      noticed: (message, fields) => lines.push(`+ ${message} ${JSON.stringify(fields)}`),
      failed: (message, _, fields) => lines.push(`- ${message} ${JSON.stringify(fields)}`),
    },
  });
  return { troubles, lines, time };
}

test('a trouble is told when it begins and when it is over, however often it is met', () => {
  const { troubles, lines, time } = openWatch();
  for (const message of ['full', 'full still', 'full']) troubles.begin('store', 'full', message, new Error());
  expect(troubles.all()).toEqual([{ name: 'store', message: 'full', since: NOON }]);
  time.elapsedMs = 1_500.4;
  for (const message of ['well again', 'well']) troubles.end('store', message);
  expect(lines).toEqual(['- full {"trouble":"store"}', '+ well again {"trouble":"store","lasted_ms":1500}']);
  expect(troubles.of('store')).toBeUndefined();
});

test('another kind of the same name is told anew, and lasts from then', () => {
  const { troubles, lines, time } = openWatch();
  troubles.begin('upstream', 'unreachable', 'away', new Error());
  troubles.begin('clock', 'behind', 'late', new Error());
  time.now += 5_000;
  troubles.begin('upstream', 'refused', 'no', new Error());
  expect(lines).toHaveLength(3);
  expect(troubles.all()).toEqual([
    { name: 'clock', message: 'late', since: NOON },
    { name: 'upstream', message: 'no', since: NOON + 5_000 },
  ]);
});
