import * as z from 'zod';
import { APPLICATION_STATUSES } from '#core/applications.ts';
import type { ActionGroup } from './action.ts';
import { PLAIN, strict } from './action.ts';
import { field } from './field.ts';
import { creation } from './keys.ts';

const status = z.enum(APPLICATION_STATUSES);

/** What the key will be. */
const terms = z.object({
  label: z.string(),
  expires_in_days: z.int().nullable().describe('Counted from the claim; null: not so'),
  expires_at: field.time.nullable().describe('null, like `expires_in_days`: never'),
  quotas: z.array(z.object({ meter: field.meter, period: field.period, limit: field.count })),
  models: z.array(z.string()).nullable(),
  ips: z.array(z.string()).nullable(),
  requests_per_minute: z.int().nullable(),
  max_concurrency: z.int().nullable(),
  metadata: z.record(z.string(), z.string()),
});

const application = z.object({
  id: z.string(),
  name: z.string(),
  contact: z.string().nullable(),
  reason: z.string().nullable().describe('What the applicant says that the key is for'),
  status,
  created_at: field.time,
  ends_at: field.time.nullable().describe('When it expires if nothing happens; null: never'),
  decided_at: field.time.nullable(),
  decided_by: z.string().nullable(),
  rejection_reason: z.string().nullable().describe('As it is told to the applicant'),
  terms: terms.nullable().describe('null: not approved'),
  claimed_at: field.time.nullable(),
  key_id: z.string().nullable().describe('Of the key that was made; null: none'),
});

const one = strict({ id: z.uuid({ error: 'must be the id of an application' }) });

/** Who asked for a key, and the decision. The key itself is made for the applicant, and never shown here. */
export const applications = {
  list: {
    ...PLAIN,
    method: 'GET',
    path: '/admin/applications',
    summary: 'Lists applications for a key, newest first.',
    query: strict({
      status: status.exactOptional(),
      limit: field.limit,
      cursor: field.cursor.exactOptional(),
    }),
    reply: z.object({ items: z.array(application), next_cursor: field.nextCursor }),
  },
  approve: {
    ...PLAIN,
    method: 'POST',
    path: '/admin/applications/:id/approve',
    summary: 'Approves an application. The key is made under these terms when the applicant claims it.',
    params: one,
    body: creation,
    reply: application,
  },
  reject: {
    ...PLAIN,
    method: 'POST',
    path: '/admin/applications/:id/reject',
    summary: 'Rejects an application, also an approved one whose key was not claimed yet.',
    params: one,
    body: strict({
      reason: field.text(1, 500).exactOptional().describe('As it is told to the applicant'),
    }),
    reply: application,
  },
} as const satisfies ActionGroup;
