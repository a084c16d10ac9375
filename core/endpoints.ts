import { chatCompletions } from './chat-completions.ts';
import type { Call, Usage } from './model.ts';

/** One metered route: how to bound what a call may use, and how to read what it did use. */
export interface Endpoint {
  /** As clients call it: `/v1/chat/completions`. */
  readonly path: string;
  /** Below the upstream's base URL. */
  readonly upstreamPath: string;
  /** Reads a body. What it does not need to know, it does not look at. */
  read(text: string, bodyBytes: number): Reading;
  /** What one JSON answer, or one event of a stream, says was used; `null` if nothing, or nothing sane. */
  usageOf(answer: unknown): Usage | null;
}

export type Reading =
  | { readonly ok: true; readonly request: ReadRequest }
  | { readonly ok: false; readonly problem: BodyProblem };

/** What is wrong with a body; `param` names the member, as OpenAI's errors do. */
export interface BodyProblem {
  readonly message: string;
  readonly param: string | null;
}

/** A body that was understood. */
export interface ReadRequest {
  readonly call: Call;
  /** Whether usage in a stream must be hidden again because the client did not ask for it. */
  readonly hidesUsage: boolean;
  /** The body for the upstream: the client's own text, with nothing changed but what metering must set. */
  bodyFor(outputTokensMax: number | null): string;
}

/** Every metered route. What is not here is 404: nothing passes unmetered. */
export const ENDPOINTS: readonly Endpoint[] = [chatCompletions];
