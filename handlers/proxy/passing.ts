import type { UpstreamAnswer, UpstreamHead } from '#core/upstream.ts';
import { UpstreamFailure } from '#core/upstream.ts';

/** Headers of the upstream's answer that a client may see. Its rate limits and cookies are the sponsor's. */
const PASSED = ['content-type', 'cache-control', 'openai-processing-ms', 'openai-version'] as const;

/** Longer waits are not worth having a client sleep for; the SDKs would. */
const RETRY_AFTER_S_MAX = 60;

/** Statuses about our own credentials and balance, which are not the client's business. */
const OURS: ReadonlySet<number> = new Set([401, 402, 403, 407]);

/** A gateway's word that it stopped waiting: what is behind it may have gone on, and been billed. */
const UNANSWERED: ReadonlySet<number> = new Set([504, 520, 524]);

/** Whether an upstream's error leaves open that it served the call. */
export function mayHaveBeenServed(status: number): boolean {
  return UNANSWERED.has(status);
}

/** Adds what of the upstream's headers goes on to the client. */
export function passHeaders({ headers, status }: UpstreamHead, passed: Record<string, string>): void {
  for (const name of PASSED) {
    const value = headers[name];
    if (value !== undefined) passed[name] = value;
  }
  const wait = headers['retry-after'];
  if (mayHaveBeenServed(status)) passed['x-should-retry'] = 'false';
  if (wait === undefined) return;
  if (/^\d+$/.test(wait) && Number(wait) <= RETRY_AFTER_S_MAX) passed['retry-after'] = wait;
  else passed['x-should-retry'] = 'false';
}

/**
 * The answer, if it is one to the client's call.
 * @throws UpstreamFailure if it is about us, or leads elsewhere: then nothing was served
 */
export function accepted(answer: UpstreamAnswer): UpstreamAnswer {
  const { status } = answer.head;
  const isElsewhere = status >= 300 && status < 400;
  if (isElsewhere || OURS.has(status) || (status === 429 && isBalanceUsedUp(answer))) {
    throw new UpstreamFailure('refused', `The upstream answered ${status}.`);
  }
  return answer;
}

/** OpenAI says by a 429 of this code, and not by 402, that the account has nothing left. */
function isBalanceUsedUp(answer: UpstreamAnswer): boolean {
  return answer.kind === 'whole' && new TextDecoder().decode(answer.body).includes('"insufficient_quota"');
}
