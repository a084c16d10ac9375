import { bodyReader } from './body-reader.ts';
import { embeddingsDescription } from './embeddings-description.ts';
import type { BodyProblem, Endpoint } from './endpoints.ts';
import { inputTokensMax, partsOf } from './input-bound.ts';
import type { Body } from './json-body.ts';
import type { Call, Usage } from './model.ts';
import { openaiChunks } from './openai-chunks.ts';
import { usageOf } from './openai-usage.ts';

const PATH = '/v1/embeddings';

/** OpenAI Embeddings: tokens go in, and none come out. */
export const embeddings: Endpoint = {
  path: PATH,
  upstreamPath: '/embeddings',
  dialect: 'openai',
  events: openaiChunks,
  read: bodyReader({
    metered: new Set(['input']),
    refused: [],
    check,
    callOf,
    setIn: () => [],
    hidesUsage: () => false,
  }),
  usageOf: (answer) => inputOnly(usageOf(answer)),
  description: embeddingsDescription,
};

function check({ input }: Body): BodyProblem | undefined {
  if (typeof input === 'string' || Array.isArray(input)) return undefined;
  return { message: "'input' must be a text or a list.", param: 'input' };
}

function callOf(body: Body, bodyBytes: number): Call {
  return {
    endpoint: PATH,
    model: String(body['model']),
    stream: false,
    // Some servers take images, each as an object.
    inputTokensMax: inputTokensMax(
      bodyBytes,
      0,
      partsOf(body['input'], () => true),
    ),
    outputTokensMax: 0,
    modelOutputTokensMax: null,
    outputTokensMin: 0,
    choices: 1,
  };
}

/** Voyage and others tell `total_tokens` alone: here that is no output. */
function inputOnly(usage: Usage | null): Usage | null {
  return usage && { ...usage, prompt: usage.prompt + usage.completion, completion: 0, reasoning: 0 };
}
