import type { Usage } from './model.ts';
import { countOf, memberOf } from './token-count.ts';

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
  const given = memberOf(usage, 'prompt_tokens');
  const prompt = countOf(given ?? cacheSum(usage));
  const completion = countOf(memberOf(usage, 'completion_tokens'));
  const total = countOf(memberOf(usage, 'total_tokens'));
  const details = memberOf(usage, 'prompt_tokens_details');
  const cached = countOf(memberOf(details, 'cached_tokens') ?? memberOf(usage, 'prompt_cache_hit_tokens'));
  const written = countOf(memberOf(details, 'cache_write_tokens'));
  const reasoning = countOf(memberOf(memberOf(usage, 'completion_tokens_details'), 'reasoning_tokens'));
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

function cacheSum(usage: object): number | undefined {
  const hit = memberOf(usage, 'prompt_cache_hit_tokens');
  const miss = memberOf(usage, 'prompt_cache_miss_tokens');
  return typeof hit === 'number' && typeof miss === 'number' ? hit + miss : undefined;
}

function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : undefined;
}
