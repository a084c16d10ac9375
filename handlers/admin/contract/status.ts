import * as z from 'zod';
import { ABNORMAL_KINDS } from '#core/abnormal.ts';
import type { ActionGroup } from './action.ts';
import { PLAIN } from './action.ts';
import { field } from './field.ts';

const backup = z.object({
  location: z.string(),
  lineage: z.string(),
  encrypted: z.boolean(),
  last: z.object({ id: z.string(), at: field.time, age_ms: z.int() }).nullable(),
  segment: field.count.describe(
    'Number of the last piece of rows that was shipped; 0: none since the first snapshot',
  ),
  unshipped_rows: field.count.describe('Rows that the vault does not have yet'),
  unshipped_ms: field.count.describe('How long the oldest of them has waited'),
  drill: z
    .object({ id: z.string(), at: field.time, age_ms: z.int(), ok: z.boolean(), duration_ms: field.count })
    .nullable(),
  vault: z
    .object({ conditional_writes: z.boolean(), deletes: z.boolean() })
    .nullable()
    .describe('What the vault was found to do; null until the first backup since the start'),
  troubles: z.array(z.object({ task: z.string(), at: field.time, message: z.string() })),
});

const abnormal = z.object({
  kind: z.enum(ABNORMAL_KINDS),
  at: field.time,
  key_id: z.string().nullable(),
  label: z.string().nullable(),
  address: z.string().nullable(),
  count: field.count,
  usual: field.count,
  message: z.string(),
});

const trouble = z.object({ since: field.time, message: z.string() }).nullable();

const upstream = z.object({
  name: z.string(),
  base_url: z.string(),
  priority: z.int().describe('Lower is asked first'),
  weight: z.int().describe('Its share among those of the same priority'),
  breaker: z
    .enum(['closed', 'open', 'half_open'])
    .nullable()
    .describe('open: it mostly failed, and others are asked; null: there is no other'),
  in_flight: field.count.describe('Exchanges under way'),
  max_concurrency: z.int().nullable().describe('How many there may be; null: any number'),
  waiting: field.count.describe('Requests that wait for one of these to end'),
  trouble,
});

/** How the proxy is. */
export const status = {
  get: {
    ...PLAIN,
    method: 'GET',
    path: '/admin/status',
    summary: 'Shows how the proxy, its store and its configuration are.',
    reply: z.object({
      version: z.string(),
      now: field.time,
      uptime_ms: field.count,
      time_zone: z.string().describe('In which days and months begin'),
      upstream: z
        .object({
          base_url: z.string(),
          trouble: trouble.describe('null: the last call was answered, or there was none yet'),
        })
        .describe('The first of upstreams'),
      upstreams: z.array(upstream).describe('Each, in the order of preference'),
      store: z.object({
        engine: z.string(),
        version: z.string(),
        path: z.string(),
        size_bytes: field.count,
        wal_bytes: field.count,
        disk_free_bytes: field.count,
      }),
      keys: field.count,
      entries: field.count.describe('Of the ledger, that were ever recorded'),
      ledger: z.object({
        days: field.count.describe('How long entries are kept at least; 0: for ever'),
        removed_entries: field.count,
        removed_until: field.time
          .nullable()
          .describe('Up to when these were recorded; null: none was removed'),
        oldest_at: field.time.nullable().describe('When the oldest of the others was recorded'),
      }),
      open_reservations: field.count,
      applications: z
        .object({ pending: field.count.describe('How many wait for a decision') })
        .nullable()
        .describe('null: nobody can apply for a key'),
      backup: backup.nullable().describe('null: no backups are made'),
      abnormal_access: z
        .array(abnormal)
        .describe('The last things out of the ordinary since the start, newest first'),
      troubles: z
        .array(z.object({ name: z.string(), since: field.time, message: z.string() }))
        .describe('What is wrong now with the store, the upstream or the clock'),
      warnings: z.array(z.string()),
    }),
  },
} as const satisfies ActionGroup;
