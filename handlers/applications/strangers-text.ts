import { field } from '../admin/contract/field.ts';

/** What turns the direction of writing (UAX #9): a name with it can look like another one. */
const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/** Text that anybody may send, and that an operator will read in a terminal or on a page. */
export function strangersText(min: number, max: number) {
  return field.text(min, max).refine((given) => !DIRECTION.test(given), {
    error: 'must not have characters that turn the direction of text',
  });
}
