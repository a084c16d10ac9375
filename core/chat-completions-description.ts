import { CHOICES, MODEL, outputBound, STREAM, USAGE_SET } from './described-members.ts';
import type { EndpointDescription } from './endpoint-description.ts';

const BOUND = outputBound(1);

/** OpenAI Chat Completions, for the documents. */
export const chatCompletionsDescription: EndpointDescription = {
  summary: 'Chat completions, whole or streamed: passed on to the upstream, and metered.',
  members: {
    model: MODEL,
    messages: { type: 'array' },
    stream: STREAM,
    stream_options: USAGE_SET,
    n: { ...CHOICES, description: 'Answers; each costs its output' },
    best_of: CHOICES,
    max_tokens: BOUND,
    max_completion_tokens: BOUND,
    max_output_tokens: BOUND,
    max_new_tokens: BOUND,
    n_predict: BOUND,
    tools: { type: ['array', 'null'] },
  },
  required: ['model', 'messages'],
  example: { model: 'deepseek-chat', messages: [{ role: 'user', content: 'Hello' }] },
};
