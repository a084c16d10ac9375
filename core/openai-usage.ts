import type { Usage } from './model.ts';
import { countOf, memberOf, usageOfCounts } from './token-count.ts';

/**
 * Usage as OpenAI, DeepSeek and their kin report it, in a whole answer or in a chunk of a stream:
 * - OpenAI: `prompt_tokens_details.cached_tokens` and `.cache_write_tokens`, `completion_tokens_details.reasoning_tokens`
 * - DeepSeek: `prompt_cache_hit_tokens`, `prompt_cache_miss_tokens`
 * - Moonshot puts it into `choices[0].usage`
 * - xAI and Gemini count reasoning in `total_tokens` alone: what is missing there is output
 * `null` if there is none, or a count is negative, fractional or absurd.
 */
export function usageOf(answer: unknown): Usage | null {
  const usage = memberOf(answer, 'usage') ?? memberOf(firstOf(memberOf(answer, 'choices')), 'usage');
  if (typeof usage !== 'object' || usage === null) return null;
  const details = memberOf(usage, 'prompt_tokens_details');
  return usageOfCounts({
    prompt: countOf(memberOf(usage, 'prompt_tokens') ?? cacheSum(usage)),
    completion: countOf(memberOf(usage, 'completion_tokens')),
    total: countOf(memberOf(usage, 'total_tokens')),
    cached: countOf(memberOf(details, 'cached_tokens') ?? memberOf(usage, 'prompt_cache_hit_tokens')),
    written: countOf(memberOf(details, 'cache_write_tokens')),
    reasoning: countOf(memberOf(memberOf(usage, 'completion_tokens_details'), 'reasoning_tokens')),
  });
}

function cacheSum(usage: object): number | undefined {
  const hit = memberOf(usage, 'prompt_cache_hit_tokens');
  const miss = memberOf(usage, 'prompt_cache_miss_tokens');
  return typeof hit === 'number' && typeof miss === 'number' ? hit + miss : undefined;
}

function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : undefined;
}
