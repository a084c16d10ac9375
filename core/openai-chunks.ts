import type { EventShape } from './event-shape.ts';
import type { Usage } from './model.ts';
import { usageOf } from './openai-usage.ts';
import { memberOf } from './token-count.ts';

/**
 * Chunks of OpenAI's older APIs: any of them may carry usage, the last one that does counts, and `[DONE]` is the end.
 * By itself, or with a reason for finishing, usage is that of the whole answer.
 */
export const openaiChunks: EventShape = {
  errors: 'chunk',
  marks: ['"usage"', '[DONE]'],
  reader() {
    let usage: Usage | null = null;
    let done = false;
    let final = false;
    return {
      read(event, data) {
        if (data === '[DONE]') done = true;
        if (event === undefined || !data.includes('"usage"')) return;
        usage = usageOf(event) ?? usage;
        final = isUsageOnly(event) || hasFinished(event);
      },
      usage: () => usage,
      isDone: () => done,
      isFinal: () => final,
    };
  },
};

/** The extra event of OpenAI's `stream_options.include_usage`: usage, and no choice. */
export function isUsageOnly(event: unknown): boolean {
  const choices = memberOf(event, 'choices');
  const usage = memberOf(event, 'usage');
  return Array.isArray(choices) && choices.length === 0 && typeof usage === 'object' && usage !== null;
}

function hasFinished(event: unknown): boolean {
  const choices = memberOf(event, 'choices');
  return (
    Array.isArray(choices) &&
    choices.length > 0 &&
    choices.every((choice) => Boolean(memberOf(choice, 'finish_reason')))
  );
}
