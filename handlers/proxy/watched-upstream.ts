import type { Upstream, UpstreamRequest } from '#core/upstream.ts';
import { UpstreamFailure } from '#core/upstream.ts';
import type { Services } from '../services.ts';
import type { Troubles } from '../troubles.ts';
import { accepted } from './passing.ts';

type Method = UpstreamRequest['method'];

/**
 * The upstream, of which only answers to a client's call come back, and whose troubles are told once, not with each call.
 * @throws UpstreamFailure from `send`, also for an answer that is about us
 */
export function watchedUpstream({
  upstream,
  troubles,
  policy,
}: Pick<Services, 'upstream' | 'troubles' | 'policy'>): Upstream {
  const { upstreamBaseUrl } = policy;
  let refusedTo: Method | null = null;
  return {
    async send(request) {
      const { method } = request;
      try {
        const answer = accepted(await upstream.send(request));
        // A list of models is free: what refuses to work for us may still give that.
        if (refusedTo !== 'POST' || method === 'POST') {
          refusedTo = null;
          troubles.end('upstream', `The upstream ${upstreamBaseUrl} answers again.`);
        }
        return answer;
      } catch (error) {
        if (error instanceof UpstreamFailure && tell(troubles, upstreamBaseUrl, error)) {
          refusedTo = error.kind === 'refused' ? method : null;
        }
        throw error;
      }
    },
  };
}

/** Whether a failure is about the upstream, and not about one request alone: then `watchedUpstream` has told of it. */
export function isToldOnce(error: unknown): boolean {
  return error instanceof UpstreamFailure && Object.hasOwn(TOLD, error.kind);
}

/** How each of these goes on after "The upstream https://…". */
const TOLD: Partial<Record<UpstreamFailure['kind'], (message: string) => string>> = {
  unreachable: (message) =>
    `cannot be reached (${message}): check UPSTREAM_BASE_URL, and that this machine may connect there; clients get 502`,
  timed_out: (message) =>
    `did not answer in time (${message}): see whether it is up; UPSTREAM_TIMEOUT_MS is how long is waited; clients get 504`,
  refused: (message) => `${message}; clients get 503`,
};

function tell(troubles: Troubles, baseUrl: string, error: UpstreamFailure): boolean {
  const told = TOLD[error.kind];
  if (told === undefined) return false;
  const kind = error.kind === 'refused' ? error.message : error.kind;
  troubles.begin('upstream', kind, `The upstream ${baseUrl} ${told(error.message)}`, error);
  return true;
}
