import type { DescribedMember } from './endpoint-description.ts';
import { CHOICES_MAX, MODEL_LENGTH_MAX } from './json-body.ts';
import { OUTPUT_TOKENS_MAX } from './output-bounds.ts';

/** Members that the bodies of several endpoints have, for the documents. */
export const MODEL: DescribedMember = { type: 'string', minLength: 1, maxLength: MODEL_LENGTH_MAX };
export const STREAM: DescribedMember = {
  type: ['boolean', 'null'],
  description: 'Whether the answer comes as server-sent events',
};
export const USAGE_SET: DescribedMember = {
  type: ['object', 'null'],
  description: '`include_usage` is set for the upstream in any case',
};
export const CHOICES: DescribedMember = { type: ['integer', 'null'], minimum: 1, maximum: CHOICES_MAX };

/** A member that bounds the output, from `minimum` tokens on. */
export function outputBound(minimum: 0 | 1): DescribedMember & { readonly description: string } {
  return {
    type: ['integer', 'null'],
    description: 'Bounds the output. The least of such members counts, and is lowered to what a quota holds.',
    minimum,
    maximum: OUTPUT_TOKENS_MAX,
  };
}
