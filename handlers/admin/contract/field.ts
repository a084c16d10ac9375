import * as z from 'zod';
import { parseRange } from '#core/address.ts';
import { METERS, PERIODS } from '#core/model.ts';
import { isWellFormed } from '#core/secret.ts';
import { strict } from './action.ts';

// Milliseconds of September 2001 and of the end of 9999: a time in seconds lies before, one in microseconds after.
const INSTANT_MIN = 1_000_000_000_000;
const INSTANT_MAX = 253_402_300_799_999;

// As many and as long as OpenAI's own `metadata` may be.
const METADATA_MEMBERS_MAX = 16;

/** Every meter in every period. */
const QUOTAS_MAX = METERS.length * PERIODS.length;

// Looked through for each request of the key.
const LIST_ITEMS_MAX = 100;

/** An integer as it stands in a query. */
function integerText(schema: z.ZodInt) {
  const read = (given: number | string) =>
    typeof given === 'string' && /^-?\d{1,16}$/.test(given) ? Number(given) : given;
  return z.preprocess(read, schema);
}

/** Text in any language; lengths are code points. No control characters, line ends or halves of a pair. */
function text(min: number, max: number) {
  return z
    .string()
    .trim()
    .regex(new RegExp(`^[^\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}]{${min},${max}}$`, 'u'), {
      error: `must have ${min} to ${max} characters, and no control characters`,
    });
}

const NO_INSTANT = 'must be in milliseconds since 1970, such as 1800000000000';
const instant = z.int().min(INSTANT_MIN, NO_INSTANT).max(INSTANT_MAX, NO_INSTANT);
const meter = z.enum(METERS);
const period = z.enum(PERIODS);

const quota = strict({
  meter: meter.describe('`cost` is in micros of the currency of the price table'),
  period,
  limit: z.int().min(0).describe('At most so much in each period; 0 allows nothing'),
}).meta({ id: 'Quota', examples: [{ meter: 'requests', period: 'day', limit: 50 }] });

const quotas = z
  .array(quota)
  .max(QUOTAS_MAX)
  .superRefine((given, context) => {
    const seen = new Set<string>();
    for (const [index, { meter, period }] of given.entries()) {
      const name = `${meter} per ${period}`;
      if (seen.has(name)) {
        const message = `limits ${name} a second time; give each meter and period once`;
        context.addIssue({ code: 'custom', path: [index], message });
      }
      seen.add(name);
    }
  });

const range = z
  .string()
  .max(50)
  .refine((given) => parseRange(given) !== undefined, {
    error: 'must be an IP address or a CIDR range, such as 203.0.113.7 or 2001:db8::/32',
  });

const metadata = z
  .record(text(1, 64), text(0, 512))
  .refine((given) => Object.keys(given).length <= METADATA_MEMBERS_MAX, {
    error: `must have at most ${METADATA_MEMBERS_MAX} members`,
  })
  .meta({ maxProperties: METADATA_MEMBERS_MAX });

/** Text to search for. A key itself is not looked for as text: it would meet the store. */
const search = text(1, 200).refine((given) => !isWellFormed(given), {
  error: 'must not be a key: name the key by its id',
});

const count = z.int().min(0);
const time = z.int().describe('In milliseconds since 1970');

/** The fields of the admin API, each with its bounds, that several actions share. */
export const field = {
  count,
  /** In an answer. */
  time,
  /** In a body. */
  instant,
  integerText,
  text,
  search,
  /** In a query. */
  instantText: integerText(instant),
  day: z.iso.date({ error: 'must be a day such as 2026-01-31' }),
  key: z
    .string()
    .min(1)
    .max(200)
    .meta({
      description: "A key's id, or the key itself",
      examples: ['01a212c5-98d2-704d-8df6-c54d94e6340d'],
    }),
  cursor: z
    .uuid({ error: 'must be next_cursor of the page before' })
    .describe('`next_cursor` of the page before'),
  place: z
    .string()
    .regex(/^e[1-9a-z][0-9a-z]{0,9}$/, { error: 'must be next_cursor of the page before' })
    .describe('`next_cursor` of the page before'),
  limit: integerText(z.int().min(1).max(200)).default(50).describe('Items of a page: 1 to 200, 50 if absent'),
  nextCursor: z.string().nullable().describe('`cursor` of the next page; null on the last one'),
  label: text(1, 200).describe('Whose key it is, in any language'),
  meter,
  period,
  quotas,
  models: z
    .array(text(1, 200))
    .min(1)
    .max(LIST_ITEMS_MAX)
    .nullable()
    .describe('Models that the key may use; null: every model'),
  ips: z
    .array(range)
    .min(1)
    .max(LIST_ITEMS_MAX)
    .nullable()
    .describe('Addresses and CIDR ranges that the key may be used from; null: everywhere'),
  requestsPerMinute: z
    .int()
    .min(0)
    .max(1_000_000)
    .nullable()
    .describe("null: the proxy's own rate; 0: no rate limit"),
  maxConcurrency: z.int().min(1).max(10_000).nullable().describe('Requests in flight at once; null: any'),
  metadata: metadata.describe('For your own use: at most 16 texts by name'),
  standing: z
    .object({
      meter,
      period,
      limit: count,
      used: count,
      held: count.describe('For requests in flight'),
      resets_at: time.nullable().describe('null: never'),
    })
    .meta({
      id: 'QuotaStanding',
      examples: [{ meter: 'requests', period: 'day', limit: 50, used: 2, held: 1, resets_at: 1795651200000 }],
    }),
} as const;
