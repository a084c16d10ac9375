import type { EventShape } from './event-shape.ts';
import type { Usage } from './model.ts';
import { countOf, memberOf, usageOfCounts } from './token-count.ts';

/**
 * Usage as OpenAI's Responses API reports it, in a response:
 * `input_tokens_details.cached_tokens` and `cache_write_tokens`, `output_tokens_details.reasoning_tokens`.
 * What is in `total_tokens` alone is output, as in `openai-usage.ts`.
 * `null` if there is none, or a count is negative, fractional or absurd.
 */
export function usageOf(response: unknown): Usage | null {
  const usage = memberOf(response, 'usage');
  if (typeof usage !== 'object' || usage === null) return null;
  const input = memberOf(usage, 'input_tokens_details');
  const output = memberOf(usage, 'output_tokens_details');
  return usageOfCounts({
    prompt: countOf(memberOf(usage, 'input_tokens')),
    completion: countOf(memberOf(usage, 'output_tokens')),
    total: countOf(memberOf(usage, 'total_tokens')),
    cached: countOf(memberOf(input, 'cached_tokens')),
    written: countOf(memberOf(input, 'cache_write_tokens')),
    reasoning: countOf(memberOf(output, 'reasoning_tokens')),
  });
}

const LAST: ReadonlySet<unknown> = new Set(['response.completed', 'response.incomplete', 'response.failed']);

/** Events of the Responses API: one of three ends the stream, and carries the response with its usage. */
export const responseEvents: EventShape = {
  errors: 'response',
  // The first event carries `usage`, too, as null, and all of the instructions: these are the rarer marks.
  marks: [...LAST].map((type) => `"${type}"`),
  reader() {
    let usage: Usage | null = null;
    let done = false;
    return {
      read(event) {
        if (!LAST.has(memberOf(event, 'type'))) return;
        done = true;
        usage = usageOf(memberOf(event, 'response'));
      },
      usage: () => usage,
      isDone: () => done,
      isFinal: () => done,
    };
  },
};
