import type { Body } from './json-body.ts';
import { isObject } from './json-body.ts';

/**
 * Images, audio and files cost tokens that the body's bytes do not bound. The dearest image that we know of is
 * gpt-4o-mini's: 2,833 tokens and 5,667 for each of at most eight tiles (OpenAI's guide to images and vision).
 * What a file bills beyond is an overdraft.
 */
const PART_TOKENS_MAX = 50_000;

/** What servers put before the prompt to explain tools to a model: a few hundred tokens, taken generously. */
export const TOOLS_TOKENS_MAX = 512;

/**
 * The most tokens that a body of `bodyBytes` is: tokenizers work on bytes, no token is shorter than one, and the JSON
 * around the text outweighs what a chat template adds. `toolsTokens` explain tools, and `parts` of it are not text.
 */
export function inputTokensMax(bodyBytes: number, toolsTokens: number, parts: number): number {
  return bodyBytes + toolsTokens + PART_TOKENS_MAX * parts;
}

/** How many of `list` are objects that `isBeyondText` says cost more than their bytes. */
export function partsOf(list: unknown, isBeyondText: (part: Body) => boolean): number {
  return Array.isArray(list) ? list.filter((part) => isObject(part) && isBeyondText(part)).length : 0;
}
