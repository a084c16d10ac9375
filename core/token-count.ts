/** No context window is near this; a larger count is a mistake, and not trusted. */
const TOKENS_MAX = 1_000_000_000;

/** A count of tokens in an answer: an absent one is zero; `null` is one that cannot be. */
export function countOf(value: unknown): number | null {
  if (value === undefined || value === null) return 0;
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= TOKENS_MAX ? Number(value) : null;
}

/** A member that `value` has itself, if it is an object; what an upstream sends may be anything. */
export function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
