import { limitsOf } from '#core/authorize.ts';
import type { Digest } from '#core/model.ts';
import { findHolder } from '../find-holder.ts';
import { limitHeaders } from '../limit-headers.ts';
import { refuse } from '../refusal.ts';
import type { WireError } from '../reply.ts';
import { errorReply } from '../reply.ts';
import type { Exchange } from '../route.ts';
import type { Services } from '../services.ts';

/** An answer, and the reason for it as the observer is told. */
export interface Refused {
  readonly reply: Response;
  readonly reason: string;
}

/**
 * The answer to a metered request with which `error` is wrong. Who may not come in hears that instead, as from OpenAI;
 * others hear also what their limits stand at: nothing is reserved for it, and it counts against none.
 * @throws StoreUnavailable
 */
export async function refuseMalformed(
  error: WireError,
  services: Pick<Services, 'keys' | 'clock' | 'policy' | 'calendar'>,
  exchange: Exchange,
  digest: Digest,
): Promise<Refused> {
  const id = { 'x-request-id': exchange.requestId };
  const holder = await findHolder(digest, exchange, services);
  const { at } = holder;
  if (!holder.ok) return { reply: refuse(holder.denial, at, id), reason: holder.denial.kind };
  const { requestsPerMinute } = services.policy;
  const limits = limitsOf(holder.account, { at, requestsPerMinute }, services.calendar);
  const reply = errorReply({ ...error, headers: { ...error.headers, ...limitHeaders(limits, at), ...id } });
  return { reply, reason: error.code };
}
