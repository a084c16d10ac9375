import type { EventShape } from './event-shape.ts';
import type { Usage } from './model.ts';
import { countOf, memberOf } from './token-count.ts';

/** Tokens by Anthropic's classes, of which no two have a token in common but for `thinking`, a part of `output`. */
interface Counts {
  readonly input: number;
  readonly written: number;
  readonly read: number;
  readonly output: number;
  readonly thinking: number;
}

const NONE: Counts = { input: 0, written: 0, read: 0, output: 0, thinking: 0 };

/**
 * Usage as Anthropic's Messages API reports it, in a whole message. What was read from the cache or written into it is
 * not in `input_tokens`. What a beta did in `iterations` beside the answer, a compaction for one, is billed and not in
 * the other counts. `null` if there is no usage, or a count is negative, fractional or absurd.
 */
export function usageOf(message: unknown): Usage | null {
  const counts = countsOf(memberOf(message, 'usage'));
  return counts && usageFrom(counts);
}

function usageFrom({ input, written, read, output, thinking }: Counts): Usage {
  return {
    prompt: input + written + read,
    completion: output,
    cached: read,
    cacheWritten: written,
    reasoning: Math.min(thinking, output),
  };
}

function countsOf(usage: unknown): Counts | null {
  if (typeof usage !== 'object' || usage === null) return null;
  const iterations = memberOf(usage, 'iterations');
  const counts = ownCounts(usage);
  if (counts === null || !Array.isArray(iterations)) return counts;
  let sum = NONE;
  for (const iteration of iterations) {
    const each = ownCounts(iteration);
    if (each === null) return null;
    sum = merged(sum, each, (a, b) => a + b);
  }
  return merged(counts, sum, Math.max);
}

function ownCounts(usage: unknown): Counts | null {
  const input = countOf(memberOf(usage, 'input_tokens'));
  const written = countOf(memberOf(usage, 'cache_creation_input_tokens'));
  const read = countOf(memberOf(usage, 'cache_read_input_tokens'));
  const output = countOf(memberOf(usage, 'output_tokens'));
  const thinking = countOf(memberOf(memberOf(usage, 'output_tokens_details'), 'thinking_tokens'));
  if (input === null || written === null || read === null || output === null || thinking === null)
    return null;
  return { input, written, read, output, thinking };
}

function merged(a: Counts, b: Counts, of: (a: number, b: number) => number): Counts {
  return {
    input: of(a.input, b.input),
    written: of(a.written, b.written),
    read: of(a.read, b.read),
    output: of(a.output, b.output),
    thinking: of(a.thinking, b.thinking),
  };
}

/**
 * Events of the Messages API: `message_start` counts the input, each `message_delta` all so far, and `message_stop` is the
 * end. A stream whose output no `message_delta` counted told nothing, and neither did one with a count that cannot be.
 */
export const messageEvents: EventShape = {
  errors: 'message',
  marks: ['"usage"', '"message_stop"'],
  reader() {
    let counts = NONE;
    let counted = false;
    let credible = true;
    let done = false;
    let final = false;

    /** Whether there was something to add. */
    function add(usage: unknown): boolean {
      if (usage === undefined || usage === null) return false;
      const more = countsOf(usage);
      if (more === null) credible = false;
      else counts = merged(counts, more, Math.max);
      return true;
    }

    return {
      read(event) {
        const type = memberOf(event, 'type');
        if (type === 'message_stop') done = true;
        if (type === 'message_start') add(memberOf(memberOf(event, 'message'), 'usage'));
        if (type !== 'message_delta' || !add(memberOf(event, 'usage'))) return;
        counted = true;
        final = Boolean(memberOf(memberOf(event, 'delta'), 'stop_reason'));
      },
      usage: () => (counted && credible ? usageFrom(counts) : null),
      isDone: () => done,
      isFinal: () => final,
    };
  },
};
