import type { UpstreamAnswer, UpstreamHead } from '#core/upstream.ts';
import { UpstreamFailure } from '#core/upstream.ts';
import type { UpstreamSettings } from '#core/upstreams.ts';

/** Headers of the upstream's answer that a client may see. Its rate limits and cookies are the sponsor's. */
const PASSED = ['content-type', 'cache-control', 'openai-processing-ms', 'openai-version'] as const;

/** Longer waits are not worth having a client sleep for; the SDKs would. */
const RETRY_AFTER_S_MAX = 60;

type Told = (settings: UpstreamSettings) => string;

const noBalance: Told = ({ apiKey }) =>
  `says that the balance or quota of its account is used up: top it up, or set another ${apiKey}`;

/**
 * Statuses about our own credentials and balance, which are not the client's business; and what an operator is told, after
 * "The upstream https://…".
 */
const OURS: Readonly<Record<number, Told>> = {
  401: ({ apiKey }) => `refuses ${apiKey}: set it to a key that is valid there`,
  402: noBalance,
  403: ({ apiKey }) => `does not let ${apiKey} do this: see there what the key may do, and from where`,
  407: ({ baseUrl }) => `is behind a proxy that wants to know who asks: set ${baseUrl} to one that is not`,
  429: noBalance,
};

const elsewhere: Told = ({ baseUrl }) => `leads elsewhere: set ${baseUrl} to where it leads`;

/** A gateway's word that it stopped waiting: what is behind it may have gone on, and been billed. */
const UNANSWERED: ReadonlySet<number> = new Set([504, 520, 524]);

/** Whether an upstream's error leaves open that it served the call. */
export function mayHaveBeenServed(status: number): boolean {
  return UNANSWERED.has(status);
}

/** Whether to ask again may help, as the SDKs have it. */
function mayPass(status: number): boolean {
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

/** Adds what of the upstream's headers goes on to the client. */
export function passHeaders({ headers, status }: UpstreamHead, passed: Record<string, string>): void {
  for (const name of PASSED) {
    const value = headers[name];
    if (value !== undefined) passed[name] = value;
  }
  if (mayHaveBeenServed(status)) passed['x-should-retry'] = 'false';
  else if (headers['retry-after'] !== undefined && mayPass(status)) {
    const seconds = waitSeconds(headers['retry-after'], headers['date']);
    if (seconds <= RETRY_AFTER_S_MAX) passed['retry-after'] = String(seconds);
    else passed['x-should-retry'] = 'false';
  }
}

/** RFC 9110 §10.2.3: seconds, or a date, which is by the clock that the answer tells. NaN for anything else. */
function waitSeconds(wait: string, date = ''): number {
  if (/^\d+(\.\d+)?$/.test(wait)) return Math.ceil(Number(wait));
  if (!/^\w{3}, .* GMT$/.test(wait)) return Number.NaN;
  return Math.max(Math.ceil((Date.parse(wait) - Date.parse(date)) / 1000), 0);
}

/**
 * The answer, if it is one to the client's call.
 * @throws UpstreamFailure if it is about us, or leads elsewhere: then nothing was served
 */
export function accepted(answer: UpstreamAnswer, settings: UpstreamSettings): UpstreamAnswer {
  const { status } = answer.head;
  const isAboutUs = (status >= 300 && status < 400) || (status !== 429 && Object.hasOwn(OURS, status));
  if (isAboutUs || (status === 429 && isBalanceUsedUp(answer))) {
    const told = OURS[status] ?? elsewhere;
    throw new UpstreamFailure('refused', `${told(settings)} (it answered ${status})`);
  }
  if (status === 400 && isCreditTooLow(answer)) {
    throw new UpstreamFailure('refused', `${noBalance(settings)} (it answered ${status})`);
  }
  // A platform cannot make a reply of these: they have no body, or are no status (RFC 9110 §15).
  if (status === 204 || status === 205 || status > 599) {
    throw new UpstreamFailure('broken', `The upstream answered ${status}, which is no answer to a call.`);
  }
  return answer;
}

/**
 * Anthropic says by a 400, too, that the account has nothing left. Other errors may repeat what a client wrote: so these
 * words count only where they stand first.
 */
function isCreditTooLow(answer: UpstreamAnswer): boolean {
  const text = answer.kind === 'whole' ? new TextDecoder().decode(answer.body) : '';
  return /"message" ?: ?"Your credit balance is too low\b/.test(text);
}

/** OpenAI says by a 429 of this code, and not by 402, that the account has nothing left. */
function isBalanceUsedUp(answer: UpstreamAnswer): boolean {
  return answer.kind === 'whole' && new TextDecoder().decode(answer.body).includes('"insufficient_quota"');
}
