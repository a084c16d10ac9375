import type { Call } from './model.ts';
import type { RequestEnded } from './observer.ts';
import type { UpstreamAnswer, UpstreamRequest } from './upstream.ts';
import type { UpstreamOutcome, UpstreamTerms } from './upstreams.ts';

/** Follows calls for those who look at them elsewhere, together with what client and upstream tell of the same. */
export interface Tracer {
  /** Begins to follow a call; `null` for one that nobody wants to see. Never throws. */
  begin(call: CallBegun): Trace | null;
}

/** A call as it came in. Its path and its body are not part of it: secrets may be. */
export interface CallBegun {
  readonly method: string;
  /** The path as it is declared: what clients invent is `unmatched`. */
  readonly route: string;
  /** The Host header. */
  readonly host: string | null;
  /** The client's address. */
  readonly address: string;
  /** When it came, by the clock that is never set. */
  readonly startedMs: number;
  /** The headers of W3C Trace Context, as the client sent them: whether they make sense is not known. */
  readonly traceparent: string | null;
  readonly tracestate: string | null;
}

/** A call that is followed. Nothing here throws, and nothing is waited for. */
export interface Trace {
  /** The store has answered what it was asked at `askedMs`: whether the call may be made. */
  reserved(askedMs: number): void;
  /** The upstream is asked next. What comes back are headers for it: by them it can tell of its part in the same trace. */
  sent(request: UpstreamAsked): Readonly<Record<string, string>>;
  /** The upstream that was asked last served nothing, for this reason; another one is asked next. */
  passedOver(outcome: UpstreamOutcome): void;
  /** The upstream has answered: whole, or with the beginning of a stream. */
  answered(answer: UpstreamAnswer): void;
  /** The call is over, and so is the exchange with the upstream. Nothing comes after this. */
  ended(event: RequestEnded): void;
}

/** What the upstream is asked for; `call` is `null` where no model is. */
export interface UpstreamAsked extends Pick<UpstreamRequest, 'method' | 'path'> {
  readonly call: Pick<Call, 'model' | 'stream'> | null;
  readonly upstream: Pick<UpstreamTerms, 'name' | 'baseUrl'>;
}
