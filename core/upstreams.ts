import type { BreakerRule, BreakerState } from './breaker.ts';
import type { KeyId } from './model.ts';
import type { Dialect, UpstreamAnswer, UpstreamFailureKind, UpstreamRequest } from './upstream.ts';
import type { ModelNames, Preference } from './upstream-choice.ts';

/** What is known of an upstream before it is asked anything. */
export interface UpstreamTerms extends Preference {
  /** As operators call it; unlike any other's. */
  readonly name: string;
  /** Without credentials. */
  readonly baseUrl: string;
  /** `null`: all, as long as nobody knows better. */
  readonly models: ModelNames | null;
  /** Whose APIs it has: it is asked for nothing in another one. One at least. */
  readonly dialects: readonly Dialect[];
  /** How many exchanges its account allows at a time; `null`: nobody counts. */
  readonly maxConcurrency: number | null;
  /** How many requests wait for one of these to end. */
  readonly queueLengthMax: number;
  /** And for how long each, in milliseconds. */
  readonly queueWaitMsMax: number;
  /** When it is left alone. Where there is no other one, it never is. */
  readonly breaker: BreakerRule;
  /** Where what is wrong with it can be set right. */
  readonly settings: UpstreamSettings;
}

/** What an operator has to change: `UPSTREAM_BASE_URL` and `UPSTREAM_API_KEY`, or the like. */
export interface UpstreamSettings {
  readonly baseUrl: string;
  readonly apiKey: string;
}

/** A request for whichever upstream can serve it. */
export interface RoutedRequest {
  readonly wire: Omit<UpstreamRequest, 'body'>;
  /** By the name that the client used. */
  readonly model: string;
  readonly keyId: KeyId;
  /** For an upstream that calls the model so. */
  body(model: string): string | Uint8Array;
  /** Aborted when the client hangs up. Asked for where somebody has to wait, and nowhere else. */
  gone(): AbortSignal;
  /** Told as a try begins. What comes back are headers for this try. */
  trying(upstream: UpstreamTerms): Readonly<Record<string, string>>;
  /** Told that this try served nothing, and why, before the next one begins. */
  passedOver(outcome: UpstreamOutcome): void;
}

/** An answer, and who gave it. */
export interface RoutedAnswer {
  readonly upstream: string;
  readonly answer: UpstreamAnswer;
  /** To be called once when a stream is over; `error` is what broke it. Of a whole answer it says nothing new. */
  over(error: unknown): void;
}

/** What became of a try: an answer by its status, or what there was in place of one. */
export type UpstreamOutcome = 'answered' | 'limited' | 'unavailable' | 'failed' | UpstreamFailureKind;

/** What became of one who had to wait and was not sent. */
export type QueueOutcome = 'full' | 'too_long' | 'client_gone' | 'stopping';

/** How an upstream stands. */
export interface UpstreamStanding {
  readonly terms: UpstreamTerms;
  /** `null`: it is the only one, and always asked. */
  readonly breaker: BreakerState | null;
  /** Exchanges under way. */
  readonly inFlight: number;
  readonly waiting: number;
  /** How often each came to pass, since this process began. */
  readonly outcomes: Readonly<Record<UpstreamOutcome, number>>;
  /** Those who waited and were sent, and for how long together; those who were not. */
  readonly waited: { readonly count: number; readonly ms: number };
  readonly turnedAway: Readonly<Record<QueueOutcome, number>>;
}

export type NotSentReason = QueueOutcome | 'no_such_model' | 'other_dialect';

/** The request was sent to no upstream: nothing can have been billed. */
export class NotSent extends Error {
  override readonly name = 'NotSent';
  readonly reason: NotSentReason;

  constructor(reason: NotSentReason) {
    super(`not sent to any upstream: ${reason}`);
    this.reason = reason;
  }
}

/** What the one upstream is called that the environment names. */
export const ONLY_UPSTREAM = 'upstream';
