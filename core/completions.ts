import { bodyReader } from './body-reader.ts';
import { completionsDescription } from './completions-description.ts';
import type { BodyProblem, Endpoint } from './endpoints.ts';
import { inputTokensMax } from './input-bound.ts';
import type { Body } from './json-body.ts';
import { CHOICES_MAX, checkCount, checkStream, countIn, isAbsent } from './json-body.ts';
import type { Call } from './model.ts';
import { openaiChunks } from './openai-chunks.ts';
import { usageOf } from './openai-usage.ts';
import { BOUNDS, boundsIn, checkBounds, leastBound, setBounds } from './output-bounds.ts';
import { hidesUsage, setUsageAsked } from './stream-usage.ts';

const PATH = '/v1/completions';

/** What the API gives where nothing is asked for (OpenAI API reference, `max_tokens` of a completion). */
const OUTPUT_TOKENS_DEFAULT = 16;

/** More than any server takes in one call: each prompt is answered by itself. */
const PROMPTS_MAX = 2_048;

/** OpenAI Completions, as it was before chat; DeepSeek and others fill in the middle by it. */
export const completions: Endpoint = {
  path: PATH,
  upstreamPath: '/completions',
  dialect: 'openai',
  events: openaiChunks,
  read: bodyReader({
    metered: new Set(['prompt', 'stream', 'stream_options', 'n', 'best_of', ...BOUNDS]),
    refused: [{ name: 'prompt_embeds', why: 'is not metered: send the prompt as text or as tokens.' }],
    check,
    callOf,
    setIn: (body, bound) => [
      ...setUsageAsked(body),
      ...setBounds(body, new Set(['max_tokens', ...boundsIn(body)]), bound),
    ],
    hidesUsage,
  }),
  usageOf,
  description: completionsDescription,
};

function check(body: Body): BodyProblem | undefined {
  return (
    checkPrompt(body) ??
    checkStream(body) ??
    checkCount(body, 'n', { max: CHOICES_MAX }) ??
    checkCount(body, 'best_of', { max: CHOICES_MAX }) ??
    // With `echo`, 0 asks for the prompt's own probabilities.
    checkBounds(body, 0)
  );
}

function checkPrompt({ prompt }: Body): BodyProblem | undefined {
  if (isAbsent(prompt) || typeof prompt === 'string' || isTokens(prompt)) return undefined;
  const isPrompt = (each: unknown) => typeof each === 'string' || isTokens(each);
  if (Array.isArray(prompt) && prompt.length <= PROMPTS_MAX && prompt.every(isPrompt)) return undefined;
  return {
    message: `'prompt' must be a text, a list of tokens, or a list of at most ${PROMPTS_MAX} of these.`,
    param: 'prompt',
  };
}

function isTokens(value: unknown): boolean {
  return Array.isArray(value) && value.every(Number.isInteger);
}

function callOf(body: Body, bodyBytes: number): Call {
  const choices = Math.max(countIn(body, 'n') ?? 1, countIn(body, 'best_of') ?? 1);
  return {
    endpoint: PATH,
    model: String(body['model']),
    stream: body['stream'] === true,
    inputTokensMax: inputTokensMax(bodyBytes, 0, 0),
    outputTokensMax: leastBound(body) ?? OUTPUT_TOKENS_DEFAULT,
    modelOutputTokensMax: null,
    outputTokensMin: 0,
    choices: choices * promptsIn(body),
  };
}

function promptsIn({ prompt }: Body): number {
  return Array.isArray(prompt) && !isTokens(prompt) ? prompt.length : 1;
}
