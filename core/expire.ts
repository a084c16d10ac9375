import type { Lapse } from './command.ts';
import type { Decision, Ending } from './decision.ts';
import type { Account, ApiKey, Instant, KeyStatus } from './model.ts';

/** What a key is at `at`. Deletion outweighs disabling, and disabling expiry. */
export function statusOf(key: ApiKey, at: Instant): KeyStatus {
  if (key.deletedAt !== null) return 'deleted';
  if (key.disabled) return 'disabled';
  if (key.expiresAt !== null && key.expiresAt <= at) return 'expired';
  return 'active';
}

/**
 * Gives up a reservation that nobody will settle any more, as after a crash.
 * Whether the upstream served it is not known, so it costs what was held: a cap is never overspent by doubt.
 */
export function lapse(account: Account, command: Lapse): Decision<Ending> {
  const reservation = account.open.find(({ id }) => id === command.requestId);
  if (reservation === undefined) return { entries: [], result: { ended: false } };
  const { requestId, keyId, at } = command;
  return {
    entries: [{ kind: 'lapsed', requestId, keyId, at, used: reservation.amount }],
    result: { ended: true },
  };
}
