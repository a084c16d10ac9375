import type { UpstreamHead } from '#core/upstream.ts';
import type { WireError } from '../reply.ts';

/** Headers of the upstream's answer that a client may see. Its rate limits and cookies are the sponsor's. */
const PASSED = [
  'content-type',
  'cache-control',
  'openai-processing-ms',
  'openai-version',
  'retry-after',
] as const;

/** Adds what of the upstream's headers goes on to the client. */
export function passHeaders({ headers }: UpstreamHead, passed: Record<string, string>): void {
  for (const name of PASSED) {
    const value = headers[name];
    if (value !== undefined) passed[name] = value;
  }
}

/**
 * What an upstream's status becomes that is about our own credentials, or leads elsewhere;
 * `undefined` where it is the client's business.
 */
export function maskedError(status: number): WireError | undefined {
  const noRetry = { 'x-should-retry': 'false' };
  if (status === 401 || status === 402 || status === 403 || status === 407) {
    const message = 'The upstream refuses this service at the moment. The operator can see why.';
    return { status: 503, type: 'upstream_error', code: 'upstream_unavailable', message, headers: noRetry };
  }
  if (status >= 300 && status < 400) {
    const message = 'The upstream answered with a redirect, which is not followed.';
    return { status: 502, type: 'upstream_error', code: 'upstream_broken', message, headers: noRetry };
  }
  return undefined;
}
