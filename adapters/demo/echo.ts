import { type Body, isObject } from '#core/json-body.ts';

/** What the demo upstream was asked for, as far as it cares. */
export interface EchoRequest {
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly choices: number;
  readonly promptTokens: number;
  /** One string for each token: they joined are the answer. */
  readonly tokens: readonly string[];
  readonly finishReason: 'stop' | 'length';
}

const CHOICES_MAX = 8;

/**
 * Reads a body of `POST /v1/chat/completions`; a string says what is wrong with it.
 * A token is a word with the space before it: that is all the tokenizer there is.
 */
export function readEcho(body: unknown): EchoRequest | string {
  if (!isObject(body)) return 'The body must be a JSON object.';
  const { messages, model, n } = body;
  if (typeof model !== 'string') return "'model' must be a string.";
  if (!Array.isArray(messages) || messages.length === 0)
    return "'messages' must be a list that is not empty.";
  const texts = messages.map((message: unknown) => (isObject(message) ? textOf(message['content']) : ''));
  const answer = tokensOf(texts.at(-1) || 'Hello from the demo upstream.');
  const limit = outputLimit(body);
  return {
    model,
    stream: body['stream'] === true,
    includeUsage: isObject(body['stream_options']) && body['stream_options']['include_usage'] === true,
    choices: typeof n === 'number' ? Math.min(Math.max(Math.trunc(n), 1), CHOICES_MAX) : 1,
    promptTokens: texts.reduce((sum, text) => sum + tokensOf(text).length, 0),
    tokens: answer.slice(0, limit),
    finishReason: answer.length > limit ? 'length' : 'stop',
  };
}

/** What an answer used, in the members of OpenAI's API. */
export function usageOf({ promptTokens, tokens, choices }: EchoRequest) {
  const completion = tokens.length * choices;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completion,
    total_tokens: promptTokens + completion,
  };
}

function outputLimit(body: Body): number {
  const limits = [body['max_tokens'], body['max_completion_tokens']].filter(
    (limit) => typeof limit === 'number',
  );
  return Math.max(Math.min(...limits), 0);
}

/** A message's content is a string or a list of parts, of which some have text. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: unknown) => (isObject(part) && typeof part['text'] === 'string' ? part['text'] : ''))
    .join(' ');
}

function tokensOf(text: string): string[] {
  return text.match(/\s*\S+/g) ?? [];
}
