import * as z from 'zod';
import type { ActionGroup } from './action.ts';
import { PLAIN } from './action.ts';
import { field } from './field.ts';

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
      upstream: z.object({ base_url: z.string() }),
      store: z.object({
        engine: z.string(),
        version: z.string(),
        path: z.string(),
        size_bytes: field.count,
        wal_bytes: field.count,
        disk_free_bytes: field.count,
      }),
      keys: field.count,
      entries: field.count.describe('Of the ledger'),
      open_reservations: field.count,
      warnings: z.array(z.string()),
    }),
  },
} as const satisfies ActionGroup;
