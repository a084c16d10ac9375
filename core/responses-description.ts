import { MODEL, outputBound, STREAM } from './described-members.ts';
import type { EndpointDescription } from './endpoint-description.ts';

const BOUND = outputBound(1);

/** OpenAI Responses, for the documents. */
export const responsesDescription: EndpointDescription = {
  summary:
    'Responses, whole or streamed, without state at the provider: passed on to the upstream, and metered.',
  members: {
    model: MODEL,
    input: {
      type: ['string', 'array'],
      description: 'A text, or a list of items. References to items that the provider keeps are refused',
    },
    stream: STREAM,
    stream_options: { type: ['object', 'null'] },
    max_output_tokens: BOUND,
    max_tokens: BOUND,
    max_completion_tokens: BOUND,
    max_new_tokens: BOUND,
    n_predict: BOUND,
    tools: { type: ['array', 'null'] },
  },
  required: ['model', 'input'],
  example: { model: 'gpt-5-mini', input: 'Hello' },
};
