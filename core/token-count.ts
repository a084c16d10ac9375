import type { Usage } from './model.ts';

/** No context window is near this; a larger count is a mistake, and not trusted. */
const TOKENS_MAX = 1_000_000_000;

/** A count of tokens in an answer: an absent one is zero; `null` is one that cannot be. */
export function countOf(value: unknown): number | null {
  if (value === undefined || value === null) return 0;
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= TOKENS_MAX ? Number(value) : null;
}

/** Counts as OpenAI's APIs make them, each as `countOf` tells it. */
export type OpenaiCounts = Readonly<
  Record<'prompt' | 'completion' | 'total' | 'cached' | 'written' | 'reasoning', number | null>
>;

/**
 * The usage that such counts amount to; `null` if one of them cannot be. What is in `total` alone is output; no part is
 * more than what it is a part of.
 */
export function usageOfCounts({
  prompt,
  completion,
  total,
  cached,
  written,
  reasoning,
}: OpenaiCounts): Usage | null {
  if (prompt === null || completion === null || total === null) return null;
  if (cached === null || written === null || reasoning === null) return null;
  const output = Math.max(completion, total - prompt);
  const read = Math.min(cached, prompt);
  return {
    prompt,
    completion: output,
    cached: read,
    cacheWritten: Math.min(written, prompt - read),
    reasoning: Math.min(reasoning, output),
  };
}

/** A member that `value` has itself, if it is an object; what an upstream sends may be anything. */
export function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
