import * as z from 'zod';
import type { Action } from './action.ts';
import { PLAIN, strict } from './action.ts';
import { field } from './field.ts';

// A batch is one message to the store's thread and one commit.
const KEYS_MAX = 500;
// More than ten years.
const DAYS_MAX = 4000;
// Far beyond any day, and so far below 2^53 that ten years of such days still add up exactly.
const COUNT_MAX = 1e12;

const count = z.int().min(0).max(COUNT_MAX);

const pastUse = strict({
  day: field.day.describe("A local day of this server's QUOTA_TIMEZONE, not after today"),
  requests: count,
  successes: count.exactOptional().describe('Of the requests; absent: all'),
  errors: count.exactOptional().describe('Of the requests; absent: none'),
  prompt_tokens: count.exactOptional(),
  completion_tokens: count.exactOptional(),
  cached_tokens: count.exactOptional().describe('Of the prompt'),
  cost_micros: count.exactOptional(),
});

/** A key of another system, as `POST /admin/keys/import` takes it. */
export const foreignKey = strict({
  secret: z
    .string()
    .min(1)
    .max(200)
    .describe('The key as clients send it. Only its digest is kept, and what may be shown of it.'),
  label: z.union([field.label, z.literal('')]),
  created_at: field.instant.exactOptional().describe('In milliseconds since 1970; absent: now'),
  expires_at: field.instant
    .nullable()
    .exactOptional()
    .describe('In milliseconds since 1970; absent or null: never'),
  disabled: z.boolean().exactOptional(),
  quotas: field.quotas
    .exactOptional()
    .describe("[] is none; absent: a day's quota of DAILY_REQ_LIMIT requests, as a new key gets"),
  models: field.models.exactOptional(),
  ips: field.ips.exactOptional(),
  requests_per_minute: field.requestsPerMinute.exactOptional(),
  max_concurrency: field.maxConcurrency.exactOptional(),
  metadata: field.metadata.exactOptional(),
  usage: z.array(pastUse).max(DAYS_MAX).exactOptional().describe('What the key used there, by day'),
}).meta({
  id: 'ForeignKey',
  examples: [
    {
      secret: 'trial_4f9a1c7be02d4d55a8c3',
      label: 'Ben',
      usage: [{ day: '2026-01-31', requests: 12, prompt_tokens: 5200, completion_tokens: 3100 }],
    },
  ],
});

/** What became of one key. */
const importOutcome = z.object({
  key: z.string().describe('As it may be shown'),
  id: z.string().nullable().describe('null where no key is here under this secret'),
  status: z
    .enum(['imported', 'importable', 'exists', 'refused'])
    .describe(
      '`importable`: a dry run, and it would be imported. `exists`: it is here already, and was left as it is.',
    ),
  reason: z.string().nullable().describe('Why it is refused'),
});

/** A key as it is sent. */
export type ForeignKeyBody = z.input<typeof foreignKey>;
/** What became of it. */
export type ImportOutcome = z.output<typeof importOutcome>;

/** Bringing keys in from another system, with their secrets and their history. */
export const keysImport = {
  ...PLAIN,
  method: 'POST',
  path: '/admin/keys/import',
  summary:
    'Imports keys of another system with what they used there. A key and its history come in together or not at all; one that is here already is left as it is.',
  body: strict({
    keys: z.array(foreignKey).max(KEYS_MAX),
    dry_run: z.boolean().exactOptional().describe('Changes nothing, and says what would become of each key'),
  }),
  reply: z.object({
    outcomes: z.array(importOutcome).describe('One for each key, in order'),
    today: z.string().describe('The local day of this server'),
    time_zone: z.string(),
    priced_models: z
      .array(z.string())
      .describe('Those of PRICES_FILE: a key with a quota of cost may use no others'),
  }),
} as const satisfies Action;
