import * as z from 'zod';
import type { ActionGroup } from './action.ts';
import { PLAIN, strict } from './action.ts';
import { field } from './field.ts';

const ID = /^\d{8}T\d{6}Z$/;
const id = z
  .string()
  .regex(ID, { error: 'must be the id of a backup, such as 20261125T083716Z' })
  .meta({ examples: ['20261125T083716Z'] });
const cursor = z
  .string()
  .regex(ID, { error: 'must be next_cursor of the page before' })
  .describe('`next_cursor` of the page before');

const drill = z.object({
  at: field.time,
  ok: z.boolean().describe('Whether it was restored and nothing was wrong with it'),
  duration_ms: field.count,
  segments: field.count.describe('Pieces of rows after the snapshot that were restored with it'),
  problems: z.array(z.string()),
});

const backup = z
  .object({
    id: z.string(),
    lineage: z.string().describe('The identity of the database that it was made of'),
    created_at: field.time,
    age_ms: z.int(),
    bytes: field.count.describe('Of the database'),
    stored_bytes: field.count.describe('Of what is stored of it'),
    entries: field.count.describe('Of the ledger'),
    encrypted: z.boolean(),
    verified: z
      .boolean()
      .describe(
        'Read back after it was written, there in the right size, and no drill found anything wrong with it',
      ),
    drill: drill.nullable().describe('The last time that its restore was rehearsed'),
  })
  .meta({ id: 'Backup' });

/** Copies of the database in the vault at BACKUP_TARGET. */
export const backups = {
  create: {
    ...PLAIN,
    method: 'POST',
    path: '/admin/backups',
    summary: 'Makes a backup now, and answers when it is in the vault and was read back.',
    status: 201,
    reply: backup,
  },
  list: {
    ...PLAIN,
    method: 'GET',
    path: '/admin/backups',
    summary: 'Lists the backups in the vault, newest first.',
    query: strict({ limit: field.limit, cursor: cursor.exactOptional() }),
    reply: z.object({
      location: z.string(),
      items: z.array(backup),
      next_cursor: field.nextCursor,
      problems: z.array(z.string()).describe('What is in the vault and cannot be read'),
    }),
  },
  drill: {
    ...PLAIN,
    method: 'POST',
    path: '/admin/backups/:id/drill',
    summary: 'Restores a backup beside the database, checks the copy, and throws it away.',
    params: strict({ id }),
    reply: drill.extend({ id: z.string() }),
  },
} as const satisfies ActionGroup;
