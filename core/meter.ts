import type { Release, Settle } from './command.ts';
import type { Decision, Ending } from './decision.ts';
import type { Account, Amount, Call, Charge, Meter, Quota, Reservation, UnitPrices, Usage } from './model.ts';
import { costOf, worstCostOf } from './price.ts';

/** The most that `call` can use if each of its choices gets `outputTokens`. */
export function worstCase(call: Call, outputTokens: number, prices: UnitPrices | null): Amount {
  const output = outputTokens * call.choices;
  return {
    requests: 1,
    tokens: call.inputTokensMax + output,
    cost: prices === null ? 0 : worstCostOf(call.inputTokensMax, output, prices),
  };
}

/** Charges a request by the upstream's own count; without one it costs its reservation, marked as an estimate. */
export function settle(account: Account, command: Settle): Decision<Ending> {
  const reservation = account.open.find(({ id }) => id === command.requestId);
  if (reservation === undefined) return { entries: [], result: { ended: false } };
  const { requestId, keyId, at, outcome } = command;
  const { used, source } = chargeFor(reservation, command.usage);
  const usage = source === 'upstream' ? command.usage : null;
  const overdraft = overdraftOf(account, reservation, used);
  return {
    entries: [{ kind: 'settled', requestId, keyId, at, used, overdraft, usage, source, outcome }],
    result: { ended: true },
  };
}

/** What `settle` charges for a reservation, whoever asks. */
export function chargeFor({ amount, prices }: Reservation, usage: Usage | null): Charge {
  const priced = prices !== null;
  if (usage === null || isNothing(usage)) return { used: amount, source: 'estimate', priced };
  return { used: amountOf(usage, prices), source: 'upstream', priced };
}

/** Gives back what was held for a request that was certainly not served. */
export function release(account: Account, command: Release): Decision<Ending> {
  const { requestId, keyId, at, outcome } = command;
  if (!account.open.some(({ id }) => id === requestId)) return { entries: [], result: { ended: false } };
  return { entries: [{ kind: 'released', requestId, keyId, at, outcome }], result: { ended: true } };
}

/** Whether some quota of the key or of the sponsor limits `meter`. */
export function isGoverned({ key, sponsor }: Account, meter: Meter): boolean {
  const limits = (quota: Quota) => quota.meter === meter;
  return key.quotas.some(limits) || sponsor.quotas.some(limits);
}

function amountOf(usage: Usage, prices: UnitPrices | null): Amount {
  return {
    requests: 1,
    tokens: usage.prompt + usage.completion,
    cost: prices === null ? 0 : costOf(usage, prices),
  };
}

function overdraftOf(account: Account, { amount }: Reservation, used: Amount): Amount {
  const beyond = (meter: Meter) =>
    used[meter] > amount[meter] && isGoverned(account, meter) ? used[meter] - amount[meter] : 0;
  return { requests: beyond('requests'), tokens: beyond('tokens'), cost: beyond('cost') };
}

/** An explicit zero of one class counts; an answer that claims to have used nothing at all tells nothing. */
function isNothing({ prompt, completion }: Usage): boolean {
  return prompt + completion === 0;
}
