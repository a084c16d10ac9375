import * as z from 'zod';
import type { ActionGroup } from './action.ts';
import { PLAIN, strict } from './action.ts';
import { field } from './field.ts';

const query = strict({
  day: field.day.exactOptional().describe('One local day, YYYY-MM-DD'),
  from: field.day.exactOptional().describe('First local day'),
  to: field.day.exactOptional().describe('Last local day, included'),
  key: field.key.exactOptional(),
  model: field.text(1, 256).exactOptional(),
  group_by: z
    .enum(['key', 'model', 'key_model', 'day', 'month'])
    .default('key')
    .describe('What an item of a day is; `month`: all of a month'),
  sort: z
    .enum(['requests', 'key'])
    .default('requests')
    .describe(
      'The order within a day: what was used most first, or by id and model, in which nothing moves between pages',
    ),
  limit: field
    .integerText(z.int().min(1).max(10_000))
    .default(100)
    .describe('Items: 1 to 10000, 100 if absent'),
  cursor: z
    .string()
    .max(1000)
    .exactOptional()
    .describe('`next_cursor` of the page before, of the same question'),
  format: z
    .enum(['json', 'csv'])
    .default('json')
    .describe('`csv` answers with a file of the items, and the cursor in the header `x-next-cursor`'),
}).superRefine(({ day, from, to }, context) => {
  const clash = (name: string, message: string) =>
    context.addIssue({ code: 'custom', path: [name], message });
  if (day !== undefined && (from !== undefined || to !== undefined)) {
    clash('day', 'must not stand beside from and to; give one day, or a span');
  }
  if (from !== undefined && to !== undefined && from > to) clash('from', 'must not be after to');
});

const counts = {
  req_count: field.count.describe('Admitted to the upstream'),
  success_count: field.count.describe('Answered with a status below 400'),
  error_count: field.count.describe('Ended otherwise'),
  rejected_count: field.count.describe('Refused by this proxy. A crash may lose the last of these.'),
  prompt_tokens: field.count,
  completion_tokens: field.count,
  cached_tokens: field.count,
  cost_micros: field.count,
};

/** What was used, and starting it anew. */
export const usage = {
  read: {
    ...PLAIN,
    method: 'GET',
    path: '/admin/usage',
    summary:
      'Reports usage by day, newest first, and by key, model or both. `totals` adds up all that matches.',
    query,
    reply: z.object({
      day: z.string().nullable().describe('The day that was asked for; null if none was'),
      mode: z.string().describe('The store'),
      items: z.array(
        z.object({
          day: z.string().describe('Of a month: `2026-01`'),
          key: z.string().nullable().describe('As it may be shown; null where keys are added up'),
          id: z.string().nullable(),
          label: z.string().nullable(),
          model: z
            .string()
            .nullable()
            .describe('null where models are added up; empty for what was refused, whichever was asked for'),
          ...counts,
          updated_at: field.time,
        }),
      ),
      totals: z.object(counts),
      next_cursor: field.nextCursor,
    }),
  },
  reset: {
    ...PLAIN,
    method: 'POST',
    path: '/admin/usage/reset',
    summary:
      "Starts the current windows of one key, or of all keys, anew. The ledger stays, and so do the sponsor's windows.",
    body: strict({
      key: field.key.exactOptional().describe("A key's id, or the key itself; absent: all keys"),
    }),
    reply: z.object({ ok: z.literal(true), keys: field.count.describe('How many keys were reset') }),
  },
} as const satisfies ActionGroup;
