import type { Dialect, UpstreamRequest } from '#core/upstream.ts';
import { DIALECTS } from '#core/upstream.ts';
import type { UpstreamTerms } from '#core/upstreams.ts';
import { ownHeaders } from './headers-for.ts';

/**
 * Where each lists its models. Anthropic gives 20 at a time unless asked for more, and 1000 at the most
 * (https://docs.anthropic.com/en/api/models-list).
 */
const PATHS: Readonly<Record<Dialect, string>> = {
  openai: '/models',
  anthropic: '/models?limit=1000',
};

/** The question for an upstream's models, in a dialect that it speaks. `{"data":[{"id":…}]}` is the answer in each. */
export function modelsRequest(
  { dialects }: Pick<UpstreamTerms, 'dialects'>,
  headers: UpstreamRequest['headers'],
): UpstreamRequest {
  const dialect = DIALECTS.find((each) => dialects.includes(each)) ?? 'openai';
  const own = ownHeaders(dialect);
  return { dialect, method: 'GET', path: PATHS[dialect], headers: { ...own, ...headers }, body: null };
}
