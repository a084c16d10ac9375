import * as z from 'zod';
import type { ActionGroup } from './action.ts';
import { PLAIN, strict } from './action.ts';
import { field } from './field.ts';

const reply = z.object({ quotas: z.array(field.standing) });

/** What all keys together may use. */
export const sponsor = {
  get: {
    ...PLAIN,
    method: 'GET',
    path: '/admin/sponsor',
    summary: 'Shows the quotas over all keys together, and what they stand at.',
    reply,
  },
  put: {
    ...PLAIN,
    method: 'PUT',
    path: '/admin/sponsor',
    summary: 'Sets the quotas over all keys together. What was used stays counted.',
    body: strict({ quotas: field.quotas.describe('All of them from now on; [] is none') }),
    reply,
  },
} as const satisfies ActionGroup;
