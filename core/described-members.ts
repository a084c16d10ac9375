import type { DescribedMember } from './endpoint-description.ts';

/** Members that the bodies of several endpoints have, for the documents. */
export const MODEL: DescribedMember = { type: 'string', minLength: 1, maxLength: 256 };
export const STREAM: DescribedMember = {
  type: ['boolean', 'null'],
  description: 'Whether the answer comes as server-sent events',
};
export const USAGE_SET: DescribedMember = {
  type: ['object', 'null'],
  description: '`include_usage` is set for the upstream in any case',
};
export const CHOICES: DescribedMember = { type: ['integer', 'null'], minimum: 1, maximum: 128 };

/** A member that bounds the output, from `minimum` tokens on. */
export function outputBound(minimum: 0 | 1): DescribedMember & { readonly description: string } {
  return {
    type: ['integer', 'null'],
    description: 'Bounds the output. The least of such members counts, and is lowered to what a quota holds.',
    minimum,
    maximum: 100_000_000,
  };
}
