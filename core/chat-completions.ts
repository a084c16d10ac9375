import { bodyReader } from './body-reader.ts';
import { chatCompletionsDescription } from './chat-completions-description.ts';
import type { BodyProblem, Endpoint } from './endpoints.ts';
import { inputTokensMax, partsOf, TOOLS_TOKENS_MAX } from './input-bound.ts';
import type { Body } from './json-body.ts';
import {
  CHOICES_MAX,
  checkCount,
  checkStream,
  countIn,
  hasBackslashedName,
  isAbsent,
  isObject,
} from './json-body.ts';
import type { Call } from './model.ts';
import { openaiChunks } from './openai-chunks.ts';
import { usageOf } from './openai-usage.ts';
import { BOUNDS, boundsIn, checkBounds, leastBound, setBounds } from './output-bounds.ts';
import { hidesUsage, setUsageAsked } from './stream-usage.ts';

const PATH = '/v1/chat/completions';

/** OpenAI's own models refuse two bounds at once; others may know only one of them, and ignore the other. */
const OPENAI_MODEL = /^(?:.*\/)?(?:o\d|gpt-|chatgpt-)/;

/** These bound output by `max_completion_tokens` and refuse `max_tokens` (OpenAI API reference). */
const REASONING_MODEL = /^(?:.*\/)?(?:o\d|gpt-5)/;

/** OpenAI Chat Completions, as DeepSeek and others speak it. */
export const chatCompletions: Endpoint = {
  path: PATH,
  upstreamPath: '/chat/completions',
  dialect: 'openai',
  events: openaiChunks,
  read: bodyReader({
    metered: new Set(['messages', 'stream', 'stream_options', 'n', 'best_of', 'tools', ...BOUNDS]),
    refused: [],
    check,
    callOf,
    setIn: (body, bound) => [...setUsageAsked(body), ...setBounds(body, boundsOf(body), bound)],
    hidesUsage,
  }),
  usageOf,
  description: chatCompletionsDescription,
};

function check(body: Body): BodyProblem | undefined {
  return (
    checkMessages(body) ??
    checkStream(body) ??
    checkCount(body, 'n', { max: CHOICES_MAX }) ??
    checkCount(body, 'best_of', { max: CHOICES_MAX }) ??
    checkBounds(body, 1)
  );
}

function checkMessages({ messages }: Body): BodyProblem | undefined {
  if (!Array.isArray(messages)) return { message: "'messages' must be an array.", param: 'messages' };
  if (!messages.some(hasBackslashedName)) return undefined;
  return { message: "No member of a message in 'messages' has a backslash in its name.", param: 'messages' };
}

function callOf(body: Body, bodyBytes: number): Call {
  return {
    endpoint: PATH,
    model: String(body['model']),
    stream: body['stream'] === true,
    inputTokensMax: inputTokensMax(
      bodyBytes,
      isAbsent(body['tools']) ? 0 : TOOLS_TOKENS_MAX,
      partsWithoutText(body['messages']),
    ),
    outputTokensMax: leastBound(body),
    modelOutputTokensMax: null,
    outputTokensMin: 0,
    choices: Math.max(countIn(body, 'n') ?? 1, countIn(body, 'best_of') ?? 1),
  };
}

function partsWithoutText(messages: unknown): number {
  if (!Array.isArray(messages)) return 0;
  const isBeyondText = ({ type }: Body) => type !== 'text';
  return messages.reduce(
    (parts, message) => parts + (isObject(message) ? partsOf(message['content'], isBeyondText) : 0),
    0,
  );
}

/** The members that must carry the bound: all that were sent, and one that the model surely obeys. */
function boundsOf(body: Body): readonly string[] {
  const model = String(body['model']);
  const sent = boundsIn(body);
  if (sent.length === 0) return [REASONING_MODEL.test(model) ? 'max_completion_tokens' : 'max_tokens'];
  // DeepSeek, for one, ignores `max_completion_tokens`.
  return OPENAI_MODEL.test(model) ? sent : [...new Set(['max_tokens', ...sent])];
}
