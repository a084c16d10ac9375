import * as z from 'zod';
import type { ActionGroup } from './action.ts';
import { PLAIN, strict } from './action.ts';
import { field } from './field.ts';

const amount = z.object({ requests: field.count, tokens: field.count, cost_micros: field.count });

const STATUSES = ['open', 'settled', 'released', 'lapsed'] as const;
const SOURCES = ['upstream', 'estimate'] as const;

const receipt = z
  .object({
    id: z.string().describe('`x-request-id` of the answer'),
    key_id: z.string(),
    endpoint: z.string(),
    model: z.string(),
    stream: z.boolean(),
    status: z.enum(STATUSES),
    made_at: field.time,
    ended_at: field.time.nullable(),
    reserved: amount,
    used: amount.nullable().describe('null while the request is open'),
    overdraft: amount.nullable().describe('What the upstream billed beyond the reservation'),
    usage: z
      .object({
        prompt_tokens: field.count,
        completion_tokens: field.count,
        cached_tokens: field.count.describe('Part of prompt_tokens'),
        cache_written_tokens: field.count.describe('Part of prompt_tokens'),
        reasoning_tokens: field.count.describe('Part of completion_tokens'),
      })
      .nullable()
      .describe('As the upstream counted it'),
    source: z
      .enum(SOURCES)
      .nullable()
      .describe('Whether `used` is the upstream count, or the reservation for want of one'),
    prices: z
      .object({
        version: z.string().describe('Of the price table'),
        input_micros: field.count.describe('Per million tokens'),
        cached_input_micros: field.count.describe('Per million tokens'),
        cache_write_micros: field.count.describe('Per million tokens'),
        output_micros: field.count.describe('Per million tokens'),
        reasoning_micros: field.count.describe('Per million tokens'),
        request_micros: field.count.describe('Per request'),
      })
      .nullable(),
    upstream: z
      .string()
      .nullable()
      .describe('The name of the upstream that answered, or was the last to be asked; null: none was'),
    http_status: z.int().nullable().describe('499: the client hung up first'),
    upstream_ms: z.number().nullable().describe("Until the upstream's first byte"),
    duration_ms: z.number().nullable(),
  })
  .meta({ id: 'Receipt' });

/** Receipts: all that is known of single requests. */
export const requests = {
  list: {
    ...PLAIN,
    method: 'GET',
    path: '/admin/requests',
    summary:
      'Lists the receipts of requests, newest first. A page may have fewer than `limit` where few match: there are more as long as `next_cursor` is not null.',
    query: strict({
      key: field.key.exactOptional(),
      from: field.instantText.exactOptional().describe('Made at or after, in milliseconds since 1970'),
      to: field.instantText.exactOptional().describe('Made before, in milliseconds since 1970'),
      model: field.text(1, 256).exactOptional(),
      endpoint: field.text(1, 100).exactOptional().describe('Such as `/v1/chat/completions`'),
      status: z.enum(STATUSES).exactOptional(),
      http_status: z
        .string()
        .regex(/^[1-5](\d\d|xx)$/, { error: 'must be a status or a class of them, such as 429 or 5xx' })
        .exactOptional()
        .describe('A status of the answer, or a class of them: `429`, `5xx`'),
      source: z.enum(SOURCES).exactOptional().describe('`estimate`: what the upstream did not count'),
      overdraft: z
        .literal('true')
        .exactOptional()
        .describe('`true`: only what the upstream billed beyond the reservation'),
      limit: field
        .integerText(z.int().min(1).max(1000))
        .default(50)
        .describe('Items of a page: 1 to 1000, 50 if absent'),
      cursor: field.place.exactOptional(),
      format: z
        .enum(['json', 'csv'])
        .default('json')
        .describe('`csv` answers with a file of the page, and the cursor in the header `x-next-cursor`'),
    }).refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
      path: ['from'],
      error: 'must not be after to',
    }),
    reply: z.object({ items: z.array(receipt), next_cursor: field.nextCursor }),
  },
  get: {
    ...PLAIN,
    method: 'GET',
    path: '/admin/requests/:id',
    summary: 'Shows the receipt of one request.',
    params: strict({ id: z.string() }),
    reply: receipt,
  },
} as const satisfies ActionGroup;
