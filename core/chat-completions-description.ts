import type { DescribedMember, EndpointDescription } from './endpoint-description.ts';

const choices: DescribedMember = { type: ['integer', 'null'], minimum: 1, maximum: 128 };
const outputBound: DescribedMember = {
  type: ['integer', 'null'],
  description: 'Bounds the output. The least of such members counts, and is lowered to what a quota holds.',
  minimum: 1,
  maximum: 100_000_000,
};

/** OpenAI Chat Completions, for the documents. */
export const chatCompletionsDescription: EndpointDescription = {
  summary: 'Chat completions, whole or streamed: passed on to the upstream, and metered.',
  members: {
    model: { type: 'string', minLength: 1, maxLength: 256 },
    messages: { type: 'array' },
    stream: { type: ['boolean', 'null'], description: 'Whether the answer comes as server-sent events' },
    stream_options: {
      type: ['object', 'null'],
      description: '`include_usage` is set for the upstream in any case',
    },
    n: { ...choices, description: 'Answers; each costs its output' },
    best_of: choices,
    max_tokens: outputBound,
    max_completion_tokens: outputBound,
    max_output_tokens: outputBound,
    max_new_tokens: outputBound,
    n_predict: outputBound,
    tools: { type: ['array', 'null'] },
  },
  required: ['model', 'messages'],
  example: { model: 'deepseek-chat', messages: [{ role: 'user', content: 'Hello' }] },
};
