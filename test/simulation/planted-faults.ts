import type { Command, ResultOf } from '#core/command.ts';
import { decide } from '#core/decide.ts';
import type { Decision } from '#core/decision.ts';
import type { Account, Buckets } from '#core/model.ts';
import { NOTHING } from '#core/model.ts';
import { type Calendar, calendarOf } from '#core/window.ts';
import type { Scenario } from './simulate.ts';

type Planted = NonNullable<Scenario['planted']>;
type Decide = (
  account: Account | undefined,
  command: Command,
  calendar: Calendar,
) => Decision<ResultOf<Command>>;

/** Mistakes that a ledger could make, each of which a simulation must find. */
export const PLANTED_FAULTS: Readonly<Record<string, Planted>> = {
  'quotas are checked, and what is held is not counted': wrong((account, command, calendar) =>
    decide(account && withoutHeld(account), command, calendar),
  ),
  'what ended is ended again when it is asked for again': wrong((account, command, calendar) => {
    const decision = decide(account, command, calendar);
    if (command.kind !== 'settle' || decision.entries.length > 0) return decision;
    const { requestId, keyId, at, usage, outcome } = command;
    const charge = { used: NOTHING, overdraft: NOTHING, source: 'estimate', usage } as const;
    return {
      entries: [{ kind: 'settled', requestId, keyId, at, outcome, ...charge }],
      result: { ended: true },
    };
  }),
  'days begin at midnight in London': { calendar: calendarOf('UTC') },
  'windows are filled again by a clock that is set back': wrong((account, command, calendar) =>
    decide(account && { ...account, sponsor: { ...account.sponsor, latestAt: 0 } }, command, calendar),
  ),
  'what was served without a word of usage is free': wrong((account, command, calendar) =>
    command.kind === 'settle' && command.usage === null
      ? decide(account, { ...command, kind: 'release' }, calendar)
      : decide(account, command, calendar),
  ),
  'what is billed beyond the reservation is on no record': wrong((account, command, calendar) => {
    const { entries, result } = decide(account, command, calendar);
    const plain = entries.map((entry) =>
      entry.kind === 'settled' ? { ...entry, overdraft: NOTHING } : entry,
    );
    return { entries: plain, result };
  }),
  'what a full disk did not take is acknowledged': { lies: true },
};

function wrong(decideBy: Decide): Planted {
  return { decideBy: decideBy as typeof decide };
}

function withoutHeld({ buckets, sponsor, ...account }: Account): Account {
  const open = (all: Buckets) => all.map((bucket) => ({ ...bucket, held: NOTHING }));
  return { ...account, buckets: open(buckets), sponsor: { ...sponsor, buckets: open(sponsor.buckets) } };
}
