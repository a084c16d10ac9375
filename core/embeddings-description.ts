import { MODEL } from './described-members.ts';
import type { EndpointDescription } from './endpoint-description.ts';

/** OpenAI Embeddings, for the documents. */
export const embeddingsDescription: EndpointDescription = {
  summary: 'Embeddings: passed on to the upstream, and metered. Only input costs tokens.',
  members: {
    model: MODEL,
    input: { type: ['string', 'array'], description: 'A text, or a list of what the upstream takes' },
  },
  required: ['model', 'input'],
  example: { model: 'text-embedding-3-small', input: 'Hello' },
};
