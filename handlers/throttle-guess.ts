import { networkOf } from '#core/address.ts';
import { KEY_HEADERS } from './proxy/credential.ts';
import { errorOf, errorReply } from './reply.ts';
import type { Exchange } from './route.ts';
import type { Services } from './services.ts';

/** Longer waits are not told: see `retryAfter`. */
const RETRY_AFTER_S_MAX = 60;

/** By which headers somebody may have tried a credential out, by the code of the answer that it was none. */
const TRIED_IN: Readonly<Record<string, readonly string[]>> = {
  invalid_api_key: ['authorization', ...KEY_HEADERS],
  invalid_admin_token: ['authorization'],
};

/**
 * The answer to a credential that is none, or that there were too many of them from this address. The credential was looked
 * at all the same: a correct one always gets in, and what is answered does not depend on why another is wrong. Answered at
 * once, and not late: an answer held back would hold a connection, and whoever guesses has more of those than we.
 */
export function throttleGuess(
  { clock, guards }: Pick<Services, 'clock' | 'guards'>,
  { request: { headers }, requestId, env: { address } }: Pick<Exchange, 'request' | 'requestId' | 'env'>,
  reply: Response,
): Response {
  const triedIn = TRIED_IN[errorOf(reply)?.code ?? ''];
  // Who sends nothing guesses nothing.
  if (!triedIn?.some((name) => (headers.get(name) ?? '') !== '')) return reply;
  const waitMs = guards.guesses.take(networkOf(address), clock.now());
  return waitMs === 0 ? reply : tooMany(requestId, waitMs);
}

function tooMany(requestId: string, waitMs: number): Response {
  const seconds = Math.min(Math.ceil(waitMs / 1000), RETRY_AFTER_S_MAX);
  const message =
    'Incorrect API key provided, or admin token, and too many incorrect ones came from your address. ' +
    `A correct one is accepted at any time. Check it, and try again in ${seconds} s.`;
  return errorReply({
    ...{ status: 429, type: 'rate_limit_error', code: 'too_many_failures', message },
    // The SDKs would send the same key again by themselves.
    headers: { 'x-request-id': requestId, 'retry-after': String(seconds), 'x-should-retry': 'false' },
  });
}
