import type { Attempt } from '#core/breaker.ts';
import type { Clock } from '#core/ports.ts';
import { inOrder, nameThere } from '#core/upstream-choice.ts';
import type { RoutedAnswer, RoutedRequest, UpstreamOutcome, UpstreamStanding } from '#core/upstreams.ts';
import { NotSent } from '#core/upstreams.ts';
import type { Troubles } from '../troubles.ts';
import type { GivenUpstream, KnownUpstream } from './known-upstream.ts';
import {
  failureOutcome,
  isWell,
  knownUpstream,
  mayGoElsewhere,
  outcomeOf,
  standingOf,
} from './known-upstream.ts';
import type { Places } from './places.ts';
import { createPlaces } from './places.ts';

/** All upstreams as one: it chooses, waits its turn, and goes to another where nothing was served. */
export interface RoutedUpstream {
  /**
   * The answer of the first upstream that served the request, or may have; of several that certainly did not, the last
   * one's. No two of them can have billed it.
   * @throws UpstreamFailure as the last one's, if none answered; NotSent if it was sent nowhere
   */
  send(request: RoutedRequest): Promise<RoutedAnswer>;
  /** Each by itself, in the order of preference, for questions that cost nothing. */
  readonly all: readonly KnownUpstream[];
  standings(): readonly UpstreamStanding[];
  /** Turns away all who wait, and who will come. */
  stop(): void;
}

export interface RoutingTools {
  readonly clock: Clock;
  readonly troubles: Troubles;
  /** Randomness: from 0 on, and below 1. */
  draw(): number;
}

/** Each is an answer that a client waits for: three upstreams that do not serve it say enough. */
const TRIES_MAX = 3;

/**
 * After this no other upstream is tried. With the longest wait in a queue it is less than the margin after which a
 * reservation lapses, so that nothing is under way whose reservation is not.
 */
const GO_ELSEWHERE_MS_MAX = 60_000;

/** A try that is over, or a stream that has begun. */
type Tried =
  | { readonly outcome: UpstreamOutcome; readonly routed: RoutedAnswer }
  | { readonly outcome: UpstreamOutcome | undefined; readonly error: unknown };

export function routedUpstream(given: readonly GivenUpstream[], tools: RoutingTools): RoutedUpstream {
  const { clock, troubles, draw } = tools;
  const all = inOrder(
    given.map((each) => knownUpstream(each, given.length === 1, troubles)),
    0,
  );
  const places = createPlaces(clock);
  const candidatesFor = ({ model, wire: { dialect } }: RoutedRequest) => {
    const having = all.filter(({ terms }) => nameThere(terms.models, model) !== undefined);
    if (having.length === 0) throw new NotSent('no_such_model');
    const speaking = having.filter(({ terms }) => terms.dialects.includes(dialect));
    if (speaking.length === 0) throw new NotSent('other_dialect');
    return speaking.length > 1 ? inOrder(speaking, draw()) : speaking;
  };

  return {
    all,
    async send(request) {
      const left = [...candidatesFor(request)];
      const untilMs = clock.elapsedMs() + GO_ELSEWHERE_MS_MAX;
      let best: Tried | undefined;
      for (let tries = 1; ; tries += 1) {
        const known = await next(left, request, best, { places, clock });
        if (known === undefined) return result(best);
        left.splice(left.indexOf(known), 1);
        const tried = await attempt(known, request, { places, clock });
        if (tried.outcome === undefined || !mayGoElsewhere(tried.outcome)) return result(tried);
        // An answer, which may say when to come again, tells a client more than that there was none.
        if ('routed' in tried || best === undefined || !('routed' in best)) best = tried;
        const isLast = left.length === 0 || tries === TRIES_MAX || clock.elapsedMs() > untilMs;
        if (!isLast || best !== tried) request.passedOver(tried.outcome);
        if (isLast) return result(best);
        if (request.gone().aborted) throw new NotSent('client_gone');
      }
    },
    standings: () => all.map((known) => standingOf(known, clock.elapsedMs())),
    stop: places.stop,
  };
}

interface Tools {
  readonly places: Places;
  readonly clock: Clock;
}

/**
 * The upstream that is tried next, with a place there; `undefined` if what the last one said is all there is to say.
 * @throws NotSent
 */
async function next(
  left: readonly KnownUpstream[],
  request: RoutedRequest,
  before: Tried | undefined,
  { places, clock }: Tools,
): Promise<KnownUpstream | undefined> {
  const nowMs = clock.elapsedMs();
  const allowed = left.filter(({ breaker }) => breaker?.allows(nowMs) !== false);
  // Where all are out of the choice none is: an answer may come, and a refusal here would be certain.
  const candidates = allowed.length > 0 || before !== undefined ? allowed : left;
  if (candidates.length === 0) return undefined;
  const free = candidates.find(places.isFree);
  if (free !== undefined) {
    places.take(free);
    return free;
  }
  try {
    return await places.wait(candidates, request.keyId, request.gone());
  } catch (error) {
    const mayStay = error instanceof NotSent && (error.reason === 'full' || error.reason === 'too_long');
    if (before !== undefined && mayStay) return undefined;
    throw error;
  }
}

/** One exchange, for which a place was taken. It is given back when the exchange is over. */
async function attempt(known: KnownUpstream, request: RoutedRequest, tools: Tools): Promise<Tried> {
  const { terms, breaker, upstream, outcomes } = known;
  const { places, clock } = tools;
  const begun: Attempt = breaker?.begin(clock.elapsedMs()) ?? 'ordinary';
  const ended = (outcome: UpstreamOutcome | undefined) => {
    if (outcome !== undefined) outcomes[outcome] += 1;
    breaker?.end(begun, isWell(outcome), clock.elapsedMs());
  };
  try {
    const { wire, model } = request;
    const body = request.body(nameThere(terms.models, model) ?? model);
    const headers = { ...wire.headers, ...request.trying(terms) };
    const answer = await upstream.send({ ...wire, headers, body });
    const outcome = outcomeOf(answer);
    ended(outcome);
    if (answer.kind === 'whole') places.leave(known);
    const over = answer.kind === 'whole' ? nothingMore : (error: unknown) => streamOver(known, error, tools);
    return { outcome, routed: { upstream: terms.name, answer, over } };
  } catch (error) {
    const outcome = failureOutcome(error);
    ended(outcome);
    places.leave(known);
    return { outcome, error };
  }
}

function nothingMore(): void {}

function streamOver(known: KnownUpstream, error: unknown, { places, clock }: Tools): void {
  const outcome = failureOutcome(error);
  // Its beginning was counted; that it broke is one more thing to know of the upstream.
  if (outcome !== undefined) known.breaker?.end('ordinary', isWell(outcome), clock.elapsedMs());
  places.leave(known);
}

function result(tried: Tried | undefined): RoutedAnswer {
  if (tried === undefined) throw new NotSent('no_such_model');
  if ('routed' in tried) return tried.routed;
  throw tried.error;
}
