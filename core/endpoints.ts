import { chatCompletions } from './chat-completions.ts';
import { completions } from './completions.ts';
import { embeddings } from './embeddings.ts';
import type { EndpointDescription } from './endpoint-description.ts';
import type { EventShape } from './event-shape.ts';
import { messages } from './messages.ts';
import type { Call, Usage } from './model.ts';
import { responses } from './responses.ts';
import type { Dialect } from './upstream.ts';

/** One metered route: how to bound what a call may use, and how to read what it did use. */
export interface Endpoint {
  /** As clients call it: `/v1/chat/completions`. */
  readonly path: string;
  /** Below the upstream's base URL. */
  readonly upstreamPath: string;
  /** Whose errors its clients read, and whose headers its upstream does. */
  readonly dialect: Dialect;
  /** What the events of a stream look like. */
  readonly events: EventShape;
  /** Reads a body. What it does not need to know, it does not look at. */
  read(text: string, bodyBytes: number): Reading;
  /** What a whole JSON answer says was used; `null` if nothing, or nothing sane. */
  usageOf(answer: unknown): Usage | null;
  /** For the documents. */
  readonly description: EndpointDescription;
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
  /**
   * The body for an upstream that calls the model `model`, without one as the client does: the client's own text, with
   * nothing changed but that name and what metering must set. By which members the output is bounded, it is the model
   * there that obeys them.
   */
  bodyFor(outputTokensMax: number | null, model?: string): string;
}

/** Every metered route. What is not here is 404: nothing passes unmetered. */
export const ENDPOINTS: readonly Endpoint[] = [chatCompletions, completions, embeddings, responses, messages];

/** The dialect of what is at `path`, or below it, with `/v1` or without; OpenAI's where nothing is. */
export function dialectAt(path: string): Dialect {
  const at = ENDPOINTS.find((endpoint) =>
    [endpoint.path, endpoint.upstreamPath].some((own) => path === own || path.startsWith(`${own}/`)),
  );
  return at?.dialect ?? 'openai';
}
