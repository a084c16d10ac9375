import { CHOICES, MODEL, outputBound, STREAM, USAGE_SET } from './described-members.ts';
import type { EndpointDescription } from './endpoint-description.ts';

const BOUND = outputBound(0);

/** OpenAI Completions, for the documents. */
export const completionsDescription: EndpointDescription = {
  summary: 'Completions of a text, whole or streamed: passed on to the upstream, and metered.',
  members: {
    model: MODEL,
    prompt: {
      type: ['string', 'array', 'null'],
      description:
        'A text, a list of tokens, or a list of at most 2048 of these: each is answered, and costs its output',
    },
    stream: STREAM,
    stream_options: USAGE_SET,
    n: { ...CHOICES, description: 'Answers to each prompt; each costs its output' },
    best_of: CHOICES,
    max_tokens: {
      ...BOUND,
      description: `${BOUND.description} 16 if none is sent, as in OpenAI's API.`,
    },
    max_completion_tokens: BOUND,
    max_output_tokens: BOUND,
    max_new_tokens: BOUND,
    n_predict: BOUND,
  },
  required: ['model'],
  example: { model: 'deepseek-chat', prompt: 'Once upon a time', max_tokens: 64 },
};
