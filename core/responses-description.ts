import type { DescribedMember, EndpointDescription } from './endpoint-description.ts';

const outputBound: DescribedMember = {
  type: ['integer', 'null'],
  description: 'Bounds the output. The least of such members counts, and is lowered to what a quota holds.',
  minimum: 1,
  maximum: 100_000_000,
};

/** OpenAI Responses, for the documents. */
export const responsesDescription: EndpointDescription = {
  summary:
    'Responses, whole or streamed, without state at the provider: passed on to the upstream, and metered.',
  members: {
    model: { type: 'string', minLength: 1, maxLength: 256 },
    input: {
      type: ['string', 'array'],
      description: 'A text, or a list of items. References to items that the provider keeps are refused',
    },
    stream: { type: ['boolean', 'null'], description: 'Whether the answer comes as server-sent events' },
    stream_options: { type: ['object', 'null'] },
    max_output_tokens: outputBound,
    max_tokens: outputBound,
    max_completion_tokens: outputBound,
    max_new_tokens: outputBound,
    n_predict: outputBound,
    tools: { type: ['array', 'null'] },
  },
  required: ['model', 'input'],
  example: { model: 'gpt-5-mini', input: 'Hello' },
};
