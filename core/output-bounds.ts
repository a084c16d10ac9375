import type { BodyProblem } from './endpoints.ts';
import type { Body } from './json-body.ts';
import { checkCount, countIn, isAbsent } from './json-body.ts';

/** Far beyond any model: what is above it is a mistake. */
export const OUTPUT_TOKENS_MAX = 100_000_000;

/**
 * Members that bound output: those of OpenAI's and Anthropic's APIs, and those that other servers prefer to them
 * (llama.cpp, TGI). Which of them a server obeys where it was not meant for its API, nobody knows.
 */
export const BOUNDS = [
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'max_new_tokens',
  'n_predict',
] as const;

/** What is wrong with the first bound that is no number of tokens from `min` on. */
export function checkBounds(body: Body, min: number): BodyProblem | undefined {
  for (const name of BOUNDS) {
    const problem = checkCount(body, name, { min, max: OUTPUT_TOKENS_MAX });
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** The bounds that were sent, by name. */
export function boundsIn(body: Body): readonly string[] {
  return BOUNDS.filter((name) => !isAbsent(body[name]));
}

/** The least of the bounds that were sent; `null` if none was. */
export function leastBound(body: Body): number | null {
  const bounds = BOUNDS.map((name) => countIn(body, name)).filter((bound) => bound !== undefined);
  return bounds.length === 0 ? null : Math.min(...bounds);
}

/** Sets `bound` in those of `names` that do not have it yet: JSON texts by name. */
export function setBounds(
  body: Body,
  names: Iterable<string>,
  bound: number | null,
): readonly (readonly [string, string])[] {
  if (bound === null) return [];
  return [...names].filter((name) => body[name] !== bound).map((name) => [name, String(bound)]);
}
