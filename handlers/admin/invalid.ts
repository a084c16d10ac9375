import type * as z from 'zod';
import { errorReply } from '../reply.ts';

/** Something wrong with one field: `label`, `quotas[0].limit`; an empty name is the whole. */
export interface Problem {
  readonly field: string;
  /** Goes on from the field's name: `must be …`. */
  readonly message: string;
}

export type Part = 'path' | 'query' | 'body';

// More help nobody, and a body may have a million members.
const PROBLEMS_MAX = 20;
const NAME_LENGTH_MAX = 100;

/** 400, with all that is wrong with one part of a request, each problem with its field and the way out. */
export function invalid(part: Part, problems: readonly Problem[]): Response {
  const told = problems.slice(0, PROBLEMS_MAX).map(({ field, message }) => `${field || 'it'} ${message}`);
  const rest = problems.length - told.length;
  return errorReply({
    status: 400,
    type: 'invalid_request_error',
    code: `invalid_${part}`,
    param: problems[0]?.field || null,
    message: `The ${part} is not valid: ${told.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}.`,
  });
}

/** The problems that a schema found. */
export function problemsOf(error: z.ZodError): readonly Problem[] {
  return error.issues.flatMap((issue) => {
    const names =
      issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    return names.map((name) => ({ field: fieldOf(name), message: issue.message }));
  });
}

/** What a field must be: for schemas that do not say so themselves. */
export function explain(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${NOUNS[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return bound('at least', issue.minimum, issue.origin);
    case 'too_big':
      return bound('at most', issue.maximum, issue.origin);
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.join(', ')}`;
    case 'invalid_key':
      return `has a name that is not taken: it ${issue.issues[0]?.message ?? 'is not valid'}`;
    default:
      return 'is not valid';
  }
}

const NOUNS: Readonly<Record<string, string>> = {
  int: 'an integer',
  number: 'an integer', // there are no others here
  string: 'a string',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object of strings',
};

function bound(side: string, limit: number | bigint, origin: string): string {
  const unit = { string: 'characters', array: 'items' }[origin];
  return unit === undefined ? `must be ${side} ${limit}` : `must have ${side} ${limit} ${unit}`;
}

/** `quotas[0].limit`, as OpenAI names a field. */
function fieldOf(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index > 0 ? '.' : ''}${String(step)}`))
    .join('')
    .slice(0, NAME_LENGTH_MAX);
}
