import { enter } from '#core/authorize.ts';
import type { Denial } from '#core/decision.ts';
import type { Account, Digest, Instant } from '#core/model.ts';
import type { Exchange } from './route.ts';
import type { Services } from './services.ts';

/** The account of who comes with a key, or why they may not come in; and when that was so. */
export type Holder =
  | { readonly ok: true; readonly at: Instant; readonly account: Account }
  | { readonly ok: false; readonly at: Instant; readonly denial: Denial };

/** Looks up who comes. Nothing is recorded, and it counts against no limit. */
export async function findHolder(
  digest: Digest,
  { env: { address } }: Pick<Exchange, 'env'>,
  { keys, clock }: Pick<Services, 'keys' | 'clock'>,
): Promise<Holder> {
  const at = clock.now();
  const account = await keys.account({ digest });
  if (account === undefined) return { ok: false, at, denial: { kind: 'unknown_key' } };
  const denial = enter(account.key, { digest, address, at });
  return denial === undefined ? { ok: true, at, account } : { ok: false, at, denial };
}
