import * as z from 'zod';
import type { ActionGroup } from './action.ts';
import { PLAIN, strict } from './action.ts';
import { field } from './field.ts';
import { keysImport } from './keys-import.ts';

const status = z.enum(['active', 'disabled', 'expired', 'deleted']);

/** What a key may do: the same at its making and in every change. */
const terms = {
  models: field.models.exactOptional(),
  ips: field.ips.exactOptional(),
  requests_per_minute: field.requestsPerMinute.exactOptional(),
  max_concurrency: field.maxConcurrency.exactOptional(),
  metadata: field.metadata.exactOptional(),
};

const SHORT_FORM = 'It counts requests; null: no such quota. Adds to `quotas`, which must not name the same.';

/** The terms of a new key. */
export const creation = strict({
  label: field.label.exactOptional(),
  expires_in_days: z
    .int()
    .min(0)
    .max(36_500)
    .exactOptional()
    .describe('0: never. Without this and `expires_at`, KEY_EXPIRY_DAYS.'),
  expires_at: field.instant.nullable().exactOptional().describe('In milliseconds since 1970; null: never.'),
  quotas: field.quotas
    .exactOptional()
    .describe(
      "The key's quotas, instead of the default one; [] is none. Without this and `daily_limit`, a day's quota of DAILY_REQ_LIMIT requests.",
    ),
  daily_limit: z
    .int()
    .min(1)
    .nullable()
    .exactOptional()
    .describe(`A day's quota, instead of the default one. ${SHORT_FORM}`),
  total_quota: z
    .int()
    .min(1)
    .nullable()
    .exactOptional()
    .describe(`An all-time quota, beside the day's. ${SHORT_FORM}`),
  ...terms,
})
  .superRefine((given, context) => {
    const clash = (name: string, message: string) =>
      context.addIssue({ code: 'custom', path: [name], message });
    if (given.expires_in_days !== undefined && given.expires_at !== undefined) {
      clash('expires_in_days', 'must not stand beside expires_at; give one of them');
    }
    for (const [name, period] of [['daily_limit', 'day'] as const, ['total_quota', 'total'] as const]) {
      const isNamed = given.quotas?.some((quota) => quota.meter === 'requests' && quota.period === period);
      if (given[name] !== undefined && isNamed) {
        clash(name, `must not stand beside a quota of requests per ${period}; give one of them`);
      }
    }
  })
  .meta({ examples: [{ label: 'Ada', quotas: [{ meter: 'requests', period: 'day', limit: 50 }] }] });

const amendment = strict({
  label: field.label.exactOptional(),
  disabled: z.boolean().exactOptional(),
  expires_at: field.instant
    .nullable()
    .exactOptional()
    .describe('In milliseconds since 1970; null: never. A time that has passed ends the key at once.'),
  quotas: field.quotas
    .exactOptional()
    .describe('All quotas of the key from now on; [] is none. What was used stays counted.'),
  ...terms,
})
  .refine((given) => Object.keys(given).length > 0, { error: 'must change something' })
  .meta({ examples: [{ label: 'Ada', disabled: true }] });

const key = z
  .object({
    id: z.string(),
    key: z
      .string()
      .describe(
        'As it may be shown: `sk-ab12…wxyz`. The whole key in the answer to its making or rotation only.',
      ),
    label: z.string(),
    status,
    previous_key: z
      .object({ key: z.string().describe('As it may be shown'), ends_at: field.time })
      .nullable()
      .describe('The key before the last rotation, and when it stops working; null: only `key` works'),
    created_at: field.time,
    expires_at: field.time.nullable(),
    deleted_at: field.time.nullable(),
    last_used_at: field.time.nullable(),
    quotas: z.array(field.standing),
    models: z.array(z.string()).nullable(),
    ips: z.array(z.string()).nullable(),
    requests_per_minute: z.int().nullable(),
    max_concurrency: z.int().nullable(),
    in_flight: field.count,
    metadata: z.record(z.string(), z.string()),
  })
  .meta({ id: 'Key' });

// Long enough for everybody who has a holiday, and not for ever.
const GRACE_SECONDS_MAX = 30 * 24 * 60 * 60;

const rotation = strict({
  grace_seconds: z
    .int()
    .min(0)
    .max(GRACE_SECONDS_MAX)
    .default(0)
    .describe('How long the old key goes on to work, up to 30 days; 0, and if absent: not at all'),
});

const one = strict({ key: field.key });

/** Making keys, looking at them, changing and deleting them. */
export const keys = {
  create: {
    ...PLAIN,
    method: 'POST',
    path: '/admin/keys',
    summary: 'Makes a key. It is shown in full in this answer, and never again.',
    body: creation,
    status: 201,
    reply: key,
  },
  import: keysImport,
  list: {
    ...PLAIN,
    method: 'GET',
    path: '/admin/keys',
    summary: 'Lists keys, newest first; deleted ones only if they are asked for.',
    query: strict({
      status: status.exactOptional(),
      q: field.search.exactOptional().describe('Part of a label, of an id or of a key as it is shown'),
      limit: field.limit,
      cursor: field.cursor.exactOptional(),
    }),
    reply: z.object({ items: z.array(key), next_cursor: field.nextCursor }),
  },
  get: {
    ...PLAIN,
    method: 'GET',
    path: '/admin/keys/:key',
    summary: 'Shows a key, deleted ones too.',
    params: one,
    reply: key,
  },
  patch: {
    ...PLAIN,
    method: 'PATCH',
    path: '/admin/keys/:key',
    summary: 'Changes a key. What is not given stays as it is.',
    params: one,
    body: amendment,
    reply: key,
  },
  rotate: {
    ...PLAIN,
    method: 'POST',
    path: '/admin/keys/:key/rotate',
    summary:
      'Gives a key a new secret, shown in full in this answer and never again. What was used stays counted. At most one old key works beside the new one.',
    params: one,
    body: rotation,
    reply: key,
  },
  delete: {
    ...PLAIN,
    method: 'DELETE',
    path: '/admin/keys/:key',
    summary: 'Deletes a key for ever. Its history stays. Deleting it again changes nothing.',
    params: one,
    reply: z.object({
      ok: z.literal(true),
      id: z.string(),
      key: z.string(),
      label: z.string(),
      status: z.literal('deleted'),
      deleted_at: field.time,
    }),
  },
} as const satisfies ActionGroup;
