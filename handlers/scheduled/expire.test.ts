import { expect, test } from 'vitest';
import type { Command, ResultOf } from '#core/command.ts';
import type { LapsedReservation, Ledger } from '#core/ports.ts';
import { expire } from './expire.ts';

const AT = Date.UTC(2026, 10, 24, 12);

/** A ledger with so many reservations that nobody will settle; `settledMeanwhile` are ended by somebody else. */
function ledgerWith(count: number, settledMeanwhile: number) {
  const open: LapsedReservation[] = Array.from({ length: count }, (_, n) => ({
    requestId: `r${n}`,
    keyId: 'k',
  }));
  const commands: Command[] = [];
  const ledger: Ledger = {
    async lapsed(at, limit) {
      expect(at).toBe(AT);
      return open.slice(0, limit);
    },
    async execute<C extends Command>(command: C) {
      commands.push(command);
      const index = open.findIndex(
        ({ requestId }) => command.kind === 'lapse' && requestId === command.requestId,
      );
      open.splice(index, 1);
      return { ended: commands.length > settledMeanwhile } as ResultOf<C>;
    },
  };
  return { ledger, open, commands };
}

test.each([
  { count: 0, settledMeanwhile: 0 },
  { count: 3, settledMeanwhile: 0 },
  { count: 3, settledMeanwhile: 2 },
  { count: 200, settledMeanwhile: 0 },
  { count: 1001, settledMeanwhile: 1 },
])('ends all of $count but the $settledMeanwhile settled meanwhile', async ({ count, settledMeanwhile }) => {
  const { ledger, open, commands } = ledgerWith(count, settledMeanwhile);
  const notices: unknown[] = [];
  const observer = {
    noticed: (_: string, fields: unknown) => void notices.push(fields),
    warned: () => expect.fail(),
    failed: () => expect.fail(),
    requestEnded: () => expect.fail(),
  };
  const lapsed = count - settledMeanwhile;
  expect(await expire({ ledger, observer }, AT)).toBe(lapsed);
  expect(open).toEqual([]);
  expect(commands).toHaveLength(count);
  for (const command of commands) expect(command).toMatchObject({ kind: 'lapse', at: AT });
  expect(notices).toEqual(lapsed === 0 ? [] : [{ count: lapsed }]);
});

test('what will not end is left for the next time', async () => {
  const stuck = Array.from({ length: 500 }, (_, n) => ({ requestId: `r${n}`, keyId: 'k' }));
  let pages = 0;
  const ledger: Ledger = {
    async lapsed(_, limit) {
      pages += 1;
      if (pages > 5) throw new Error('asked again and again');
      return stuck.slice(0, limit);
    },
    execute: async <C extends Command>() => ({ ended: false }) as ResultOf<C>,
  };
  const observer = {
    noticed: () => expect.fail(),
    warned: () => expect.fail(),
    failed: () => expect.fail(),
    requestEnded: () => expect.fail(),
  };
  expect(await expire({ ledger, observer }, AT)).toBe(0);
});
