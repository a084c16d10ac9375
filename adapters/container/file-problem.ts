import type * as z from 'zod';
import { explain } from '#handlers/admin/invalid.ts';

/** What is wrong with a member of a settings file, for schemas that do not say so themselves. */
export function fileProblem(issue: z.core.$ZodRawIssue): string {
  return issue.code === 'unrecognized_keys' ? `does not take ${issue.keys.join(', ')}` : explain(issue);
}
