import { authorize } from './authorize.ts';
import type { Command, Reset, ResultOf } from './command.ts';
import type { Decision, Ending } from './decision.ts';
import { lapse } from './expire.ts';
import { release, settle } from './meter.ts';
import type { Account } from './model.ts';
import type { Calendar } from './window.ts';

/**
 * Decides what a command does to the account that it names, `undefined` if there is none.
 * Pure: the same account and command give the same entries, in any thread, any number of times.
 */
export function decide<C extends Command>(
  account: Account | undefined,
  command: C,
  calendar: Calendar,
): Decision<ResultOf<C>>;
export function decide(
  account: Account | undefined,
  command: Command,
  calendar: Calendar,
): Decision<ResultOf<Command>> {
  if (command.kind === 'reserve') return authorize(account, command, calendar);
  if (account === undefined) return { entries: [], result: { ended: false } };
  switch (command.kind) {
    case 'settle':
      return settle(account, command);
    case 'release':
      return release(account, command);
    case 'lapse':
      return lapse(account, command);
    case 'reset':
      return reset(command);
    default:
      return command satisfies never;
  }
}

function reset({ keyId, at }: Reset): Decision<Ending> {
  return { entries: [{ kind: 'reset', keyId, at }], result: { ended: true } };
}
