import type { Denial, Standing } from '#core/decision.ts';
import type { Instant } from '#core/model.ts';
import type { WireError } from './reply.ts';
import { errorReply } from './reply.ts';

/** Waiting longer than this helps nobody: openai-python sleeps as long as it is told, up to 120 s. */
const RETRY_AFTER_MS_MAX = 60_000;

const INVALID_KEY = { status: 401, type: 'invalid_request_error', code: 'invalid_api_key' } as const;
const RATE = { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' } as const;

const wire = {
  unknown_key: INVALID_KEY,
  deleted_key: INVALID_KEY,
  key_disabled: { status: 401, type: 'authentication_error', code: 'key_disabled' },
  key_expired: { status: 401, type: 'authentication_error', code: 'key_expired' },
  ip_not_allowed: { status: 403, type: 'permission_error', code: 'ip_not_allowed' },
  model_not_allowed: { status: 403, type: 'permission_error', code: 'model_not_allowed' },
  model_not_priced: { status: 400, type: 'invalid_request_error', code: 'model_not_priced' },
  too_many_in_flight: RATE,
  rate_exceeded: RATE,
  quota_exceeded: { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' },
} as const satisfies Record<Denial['kind'], Pick<WireError, 'status' | 'type' | 'code'>>;

/** A denial as HTTP: what is wrong, when it will be better, and whether trying again can help. */
export function refuse(
  denial: Denial,
  at: Instant,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const said = passesSoon(denial) ? RATE : wire[denial.kind];
  const param = denial.kind === 'model_not_allowed' || denial.kind === 'model_not_priced' ? 'model' : null;
  return errorReply({
    ...said,
    param,
    message: messageOf(denial),
    headers: { ...headers, ...retryHeaders(denial, at), ...(said.status === 401 && CHALLENGE) },
  });
}

/** RFC 9110 §15.5.2: a 401 names the scheme that is wanted. */
const CHALLENGE = { 'www-authenticate': 'Bearer' };

function messageOf(denial: Denial): string {
  switch (denial.kind) {
    case 'unknown_key':
    case 'deleted_key':
      return 'Incorrect API key provided. Check the key, or ask whoever gave it to you for a new one.';
    case 'key_disabled':
      return 'This API key is disabled. Ask whoever gave it to you.';
    case 'key_expired':
      return `This API key expired at ${isoOf(denial.expiredAt)}. Ask whoever gave it to you for a new one.`;
    case 'ip_not_allowed':
      return `This API key may not be used from ${denial.address}.`;
    case 'model_not_allowed':
      return `This API key may not use the model '${denial.model}'. It may use: ${denial.models.join(', ') || 'none'}.`;
    case 'model_not_priced':
      return `The model '${denial.model}' has no price here, and a cost quota applies. Use another model.`;
    case 'too_many_in_flight':
      return `This API key may have ${denial.maxConcurrency} requests in flight. Wait for one of them to finish.`;
    case 'rate_exceeded':
      return `Rate limit reached: ${denial.rate.requestsPerMinute} requests per minute. Try again in ${secondsOf(denial.retryMs)} s.`;
    case 'quota_exceeded':
      return quotaMessage(denial);
  }
}

/** The sponsor's figures are nobody's business but the operator's. */
function quotaMessage({ holder, standing, asked }: QuotaDenial): string {
  const until = standing.resetsAt === null ? '' : ` It starts anew at ${isoOf(standing.resetsAt)}.`;
  const soon = standing.used + asked <= standing.limit ? FREE_AGAIN : '';
  const { meter, period, limit, used, held } = standing;
  if (holder === 'sponsor') {
    if (limit === 0) return 'The shared quota of this service allows none. Ask whoever runs it.';
    if (asked > limit) return 'This request is too large for the shared quota of this service.';
    return `The shared quota of this service is used up.${until}${soon}`;
  }
  const unit = meter === 'cost' ? 'micros of cost' : meter;
  const per = period === 'total' ? 'in total' : `per ${period}`;
  if (limit === 0) return `This API key's quota of 0 ${unit} ${per} allows none. Ask whoever gave it to you.`;
  const state = `${used} used, ${held} held for requests in flight, at least ${asked} needed`;
  if (asked > limit)
    return `This request is too large for this API key's quota of ${limit} ${unit} ${per}: ${state}.`;
  return `This API key's quota of ${limit} ${unit} ${per} is used up: ${state}.${until}${soon}`;
}

/** A worst case is set aside for each, and most use less. */
const FREE_AGAIN = ' What requests in flight hold and do not use is free again when they have ended.';

type QuotaDenial = Extract<Denial, { kind: 'quota_exceeded' }>;

/** A quota whose period is a minute is a rate limit to its user, unless no wait can make the request fit. */
function passesSoon(denial: Denial): boolean {
  return denial.kind === 'quota_exceeded' && denial.standing.period === 'minute' && !isTooLarge(denial);
}

function isTooLarge({ standing, asked }: { standing: Standing; asked: number }): boolean {
  return asked > standing.limit;
}

function retryHeaders(denial: Denial, at: Instant): Record<string, string> {
  switch (denial.kind) {
    case 'rate_exceeded':
      return retryAfter(denial.retryMs);
    case 'too_many_in_flight':
      return {}; // worth another try, and nobody knows when
    case 'quota_exceeded':
      return retryOfQuota(denial, at);
    default:
      return { 'x-should-retry': 'false' };
  }
}

function retryOfQuota(denial: QuotaDenial, at: Instant): Record<string, string> {
  const { resetsAt } = denial.standing;
  return passesSoon(denial) && resetsAt !== null ? retryAfter(resetsAt - at) : { 'x-should-retry': 'false' };
}

/** When to try again, where waiting helps; else that trying again does not. */
export function retryAfter(waitMs: number): Record<string, string> {
  return waitMs > RETRY_AFTER_MS_MAX
    ? { 'x-should-retry': 'false' }
    : { 'retry-after': String(secondsOf(waitMs)) };
}

/** Whole seconds, one at least. */
export function secondsOf(spanMs: number): number {
  return Math.max(1, Math.ceil(spanMs / 1000));
}

function isoOf(at: Instant): string {
  return new Date(at).toISOString();
}
