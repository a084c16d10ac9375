import type { DescribedMember, EndpointDescription } from './endpoint-description.ts';

const choices: DescribedMember = { type: ['integer', 'null'], minimum: 1, maximum: 128 };
const outputBound: DescribedMember = {
  type: ['integer', 'null'],
  description: 'Bounds the output. The least of such members counts, and is lowered to what a quota holds.',
  minimum: 0,
  maximum: 100_000_000,
};

/** OpenAI Completions, for the documents. */
export const completionsDescription: EndpointDescription = {
  summary: 'Completions of a text, whole or streamed: passed on to the upstream, and metered.',
  members: {
    model: { type: 'string', minLength: 1, maxLength: 256 },
    prompt: {
      type: ['string', 'array', 'null'],
      description:
        'A text, a list of tokens, or a list of at most 2048 of these: each is answered, and costs its output',
    },
    stream: { type: ['boolean', 'null'], description: 'Whether the answer comes as server-sent events' },
    stream_options: {
      type: ['object', 'null'],
      description: '`include_usage` is set for the upstream in any case',
    },
    n: { ...choices, description: 'Answers to each prompt; each costs its output' },
    best_of: choices,
    max_tokens: {
      ...outputBound,
      description: `${outputBound.description} 16 if none is sent, as in OpenAI's API.`,
    },
    max_completion_tokens: outputBound,
    max_output_tokens: outputBound,
    max_new_tokens: outputBound,
    n_predict: outputBound,
  },
  required: ['model'],
  example: { model: 'deepseek-chat', prompt: 'Once upon a time', max_tokens: 64 },
};
