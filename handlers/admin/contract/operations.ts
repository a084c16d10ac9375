import * as z from 'zod';
import type { ActionGroup } from './action.ts';
import { PLAIN, strict } from './action.ts';
import { field } from './field.ts';

/** The log of what was done through this API. */
export const operations = {
  list: {
    ...PLAIN,
    method: 'GET',
    path: '/admin/operations',
    summary: 'Lists the admin actions that changed something, newest first.',
    query: strict({
      actor: field.text(1, 100).exactOptional().describe('Such as `admin@203.0.113.7`'),
      from: field.instantText.exactOptional().describe('Done at or after, in milliseconds since 1970'),
      to: field.instantText.exactOptional().describe('Done before, in milliseconds since 1970'),
      action: field.text(1, 100).exactOptional().describe('Such as `keys.create`'),
      target: field.search.exactOptional().describe("A key's id, `sponsor` or `all`"),
      limit: field.limit,
      cursor: field.integerText(z.int().min(1)).exactOptional(),
    }),
    reply: z.object({
      items: z.array(
        z.object({
          n: z.int().describe('Dense from 1'),
          at: field.time,
          actor: z.string(),
          action: z.string(),
          target: z.string(),
          details: z.record(z.string(), z.unknown()).describe('What was asked for'),
          hash: z.string(),
          previous_hash: z.string(),
        }),
      ),
      next_cursor: field.nextCursor,
    }),
  },
  verify: {
    ...PLAIN,
    method: 'GET',
    path: '/admin/operations/verify',
    summary: 'Checks that no recorded action was changed, left out or put in later.',
    reply: z.object({
      ok: z.boolean(),
      count: field.count,
      broken_at: z
        .int()
        .nullable()
        .describe('Number of the first action that does not follow from the one before'),
    }),
  },
} as const satisfies ActionGroup;
