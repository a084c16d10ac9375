import type { Upstream, UpstreamRequest } from '#core/upstream.ts';
import { UpstreamFailure } from '#core/upstream.ts';
import type { UpstreamTerms } from '#core/upstreams.ts';
import { ONLY_UPSTREAM } from '#core/upstreams.ts';
import type { TroubleName, Troubles } from '../troubles.ts';
import { accepted } from './passing.ts';

type Method = UpstreamRequest['method'];

export interface Watched {
  readonly upstream: Upstream;
  readonly troubles: Troubles;
  readonly terms: UpstreamTerms;
  /** Whether there is no other that clients could be served by. */
  readonly isOnly: boolean;
}

/**
 * The upstream, of which only answers to a client's call come back, and whose troubles are told once, not with each call.
 * @throws UpstreamFailure from `send`, also for an answer that is about us
 */
export function watchedUpstream(watched: Watched): Upstream {
  const { upstream, troubles, terms } = watched;
  const name = troubleNameOf(terms);
  let refusedTo: Method | null = null;
  return {
    async send(request) {
      const { method } = request;
      try {
        const answer = accepted(await upstream.send(request), terms.settings);
        // A list of models is free: what refuses to work for us may still give that.
        if (refusedTo !== 'POST' || method === 'POST') {
          refusedTo = null;
          troubles.end(name, `The upstream ${calledBy(terms)} answers again.`);
        }
        return answer;
      } catch (error) {
        if (error instanceof UpstreamFailure && tell(watched, error)) {
          refusedTo = error.kind === 'refused' ? method : null;
        }
        throw error;
      }
    },
  };
}

/** Under which name the troubles of an upstream are told. */
export function troubleNameOf({ name }: Pick<UpstreamTerms, 'name'>): TroubleName {
  return name === ONLY_UPSTREAM ? 'upstream' : `upstream ${name}`;
}

/** Several upstreams may be at one address, under keys of their own. */
function calledBy({ name, baseUrl }: UpstreamTerms): string {
  return name === ONLY_UPSTREAM ? baseUrl : `${name} (${baseUrl})`;
}

/** Whether a failure is about the upstream, and not about one request alone: then `watchedUpstream` has told of it. */
export function isToldOnce(error: unknown): boolean {
  return error instanceof UpstreamFailure && Object.hasOwn(TOLD, error.kind);
}

/** How each of these goes on after "The upstream https://…", and what clients get. */
const TOLD: Partial<Record<UpstreamFailure['kind'], (message: string, terms: UpstreamTerms) => string>> = {
  unreachable: (message, { settings }) =>
    `cannot be reached (${message}): check ${settings.baseUrl}, and that this machine may connect there; clients get 502`,
  timed_out: (message) =>
    `did not answer in time (${message}): see whether it is up; UPSTREAM_TIMEOUT_MS is how long is waited; clients get 504`,
  refused: (message) => `${message}; clients get 503`,
};

function tell({ troubles, terms, isOnly }: Watched, error: UpstreamFailure): boolean {
  const told = TOLD[error.kind];
  if (told === undefined) return false;
  const kind = error.kind === 'refused' ? error.message : error.kind;
  const unless = isOnly ? '' : ', unless another upstream serves them';
  const message = `The upstream ${calledBy(terms)} ${told(error.message, terms)}${unless}`;
  troubles.begin(troubleNameOf(terms), kind, message, error);
  return true;
}
