import { MODEL, STREAM } from './described-members.ts';
import type { DescribedMember, EndpointDescription } from './endpoint-description.ts';
import { OUTPUT_TOKENS_MAX } from './output-bounds.ts';

const otherBound: DescribedMember = {
  type: ['integer', 'null'],
  description: 'Bounds the output, as servers of other APIs do. The least of such members counts',
  minimum: 0,
  maximum: OUTPUT_TOKENS_MAX,
};

/** Anthropic Messages, for the documents. */
export const messagesDescription: EndpointDescription = {
  summary:
    "Anthropic's messages, whole or streamed, without state at the provider: passed on to the upstream, and metered.",
  members: {
    model: MODEL,
    messages: { type: 'array' },
    max_tokens: {
      type: 'integer',
      description: 'Bounds the output, and is lowered to what a quota holds',
      minimum: 0,
      maximum: OUTPUT_TOKENS_MAX,
    },
    stream: STREAM,
    stream_options: { type: ['object', 'null'] },
    max_completion_tokens: otherBound,
    max_output_tokens: otherBound,
    max_new_tokens: otherBound,
    n_predict: otherBound,
    tools: { type: ['array', 'null'] },
  },
  required: ['model', 'messages', 'max_tokens'],
  example: {
    model: 'claude-sonnet-4-5',
    max_tokens: 256,
    messages: [{ role: 'user', content: 'Hello' }],
  },
};
