import * as z from 'zod';
import { LEDGER_DAYS_MIN } from '#core/ledger-retention.ts';
import { WEBHOOK_SECRET } from '#core/webhook.ts';
import { calendarOf } from '#core/window.ts';
import { addressList } from './address-list.ts';
import {
  apiKey,
  baseUrl,
  hasNoCredentials,
  httpUrl,
  PLACEHOLDER,
  VISIBLE_ASCII,
} from './upstream-settings.ts';

export const PEPPER_LENGTH_MIN = 32;
const TOKEN_LENGTH_MIN = 32;
const MINUTE_MS = 60_000;

/** Every variable that is read: what it may be, and what it is where it is not set. */
export const settings = z.object({
  // A word that is nearly production would be a demonstration, in silence.
  NODE_ENV: z
    .enum(['production', 'development', 'test'], { error: 'must be production, development or test' })
    .optional(),
  ADMIN_TOKEN: tokens().optional(),
  METRICS_TOKEN: tokens().optional(),
  ADMIN_ALLOWED_IPS: addressList().optional(),
  TRUSTED_PROXIES: addressList().optional(),
  CORS_ORIGINS: origins().optional(),
  UPSTREAM_BASE_URL: baseUrl('set UPSTREAM_API_KEY').optional(),
  UPSTREAM_API_KEY: apiKey().optional(),
  UPSTREAMS_FILE: z.string().optional(),
  UPSTREAM_CHECK: onOff().default(true),
  HOST: z
    .string()
    .regex(/^[A-Za-z0-9_.:%-]+$/, {
      error: 'must be an address of this machine, such as 127.0.0.1 or 0.0.0.0',
    })
    .default('127.0.0.1'),
  PORT: whole(0, 65_535).default(8787),
  STORE_PATH: z
    .string()
    .refine((path) => !path.startsWith(':') && !path.includes('://'), {
      error: 'must be the path of a file, such as ./data/quota.db',
    })
    .default('./data/quota.db'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'must be one of trace, debug, info, warn, error, fatal, silent',
    })
    .default('info'),
  ENABLE_RATE_LIMIT: onOff().default(true),
  MAX_REQUESTS_PER_MINUTE: whole(1, 1_000_000).default(60),
  DAILY_REQ_LIMIT: whole(0, 1_000_000_000).default(200),
  KEY_EXPIRY_DAYS: whole(0, 36_500).default(30),
  KEY_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,20}$/, { error: 'must be 1 to 20 letters, digits, - or _, such as sk-' })
    .default('sk-'),
  ENABLE_OPERATION_LOG: onOff().default(true),
  APPLICATIONS: onOff().default(false),
  APPLICATIONS_PER_HOUR: whole(1, 1_000).default(5),
  APPLICATIONS_PENDING_MAX: whole(0, 10_000).default(200),
  APPLICATIONS_DAYS: whole(0, 36_500).default(90),
  // For ever: an upgrade removes nothing that nobody asked to remove.
  LEDGER_DAYS: whole(0, 36_500)
    .refine((days) => days === 0 || days >= LEDGER_DAYS_MIN, {
      error: `must be 0, which keeps everything, or at least ${LEDGER_DAYS_MIN}: a month must be over before it goes`,
    })
    .default(0),
  QUOTA_TIMEZONE: z
    .string()
    .refine(isTimeZone, { error: 'must be a time zone of the IANA database, such as UTC or Asia/Shanghai' })
    .default('UTC'),
  KEY_PEPPER: z
    .string()
    .min(PEPPER_LENGTH_MIN, {
      error: `has fewer than ${PEPPER_LENGTH_MIN} characters: make one with openssl rand -hex 32`,
    })
    .optional(),
  KEY_PEPPER_FILE: z.string().optional(),
  PRICES_FILE: z.string().optional(),
  // A person who has mistyped a key is done long before; a script that guesses is not.
  AUTH_FAILURES_PER_MINUTE: whole(0, 1_000_000).default(20),
  ABNORMAL_AUTH_FAILURES_MAX: whole(0, 1_000_000).default(20),
  ABNORMAL_ADDRESSES_MAX: whole(0, 50).default(8),
  ABNORMAL_DAY_MULTIPLE: whole(0, 1_000).default(5),
  // `fetch` refuses such a URL at every try.
  WEBHOOK_URL: httpUrl('https://example.org/hook')
    .refine(hasNoCredentials, {
      error: 'must not hold credentials: put a secret into the path, or trust the signature',
    })
    .optional(),
  WEBHOOK_SECRET: z
    .string()
    .regex(WEBHOOK_SECRET, {
      error:
        'must be whsec_ and at least 24 bytes in base64: echo "whsec_$(openssl rand -base64 32)" makes one',
    })
    .optional(),
  BACKUP_TARGET: z.string().optional(),
  BACKUP_SCHEDULE: z.string().default('0 * * * *'),
  BACKUP_DRILL_SCHEDULE: z.string().default('@daily'),
  BACKUP_KEEP: z.string().default('24h 7d 4w 12m'),
  BACKUP_SPOOL_BYTES_MAX: whole(1024 * 1024, 100 * 1024 ** 4).default(20 * 1024 ** 3),
  RESTORE_IF_MISSING: z.literal('latest', { error: 'must be latest, or not set' }).optional(),
  S3_ENDPOINT: httpUrl('http://minio:9000').optional(),
  S3_REGION: z
    .string()
    .regex(/^[A-Za-z0-9-]+$/, { error: 'must be the name of a region, such as us-east-1 or auto' })
    .optional(),
  S3_FORCE_PATH_STYLE: onOff().optional(),
  AWS_ACCESS_KEY_ID: credential().optional(),
  AWS_SECRET_ACCESS_KEY: credential().optional(),
  AWS_SESSION_TOKEN: credential().optional(),
  // A conversation that fills a context of a million tokens is about 4 MiB of JSON, a photograph 1 to 5 MiB;
  // several of these at once fit in the container's 256 MiB.
  MAX_BODY_BYTES: whole(1024, 100 * 1024 * 1024).default(10 * 1024 * 1024),
  // Each takes about five times its bytes of memory until the upstream has answered (test/faults/many-bodies.test.ts).
  MAX_BODIES_BYTES: whole(1024, 100 * 1024 ** 3).default(20 * 1024 * 1024),
  // Twice the streams that the container's memory is measured with (bench/).
  MAX_CONNECTIONS: whole(1, 100_000).default(512),
  // Longer than a client is busy with one piece; a phone that lost its network does not come back to the same connection.
  CLIENT_STALL_TIMEOUT_MS: whole(1, 60 * MINUTE_MS).default(60_000),
  UPSTREAM_CONNECT_TIMEOUT_MS: whole(1, 10 * MINUTE_MS).default(10_000),
  // The OpenAI SDKs wait this long for an answer.
  UPSTREAM_TIMEOUT_MS: whole(1, 24 * 60 * MINUTE_MS).default(10 * MINUTE_MS),
  // The SDKs give up reading a stream after ten minutes of silence; we do a little earlier.
  UPSTREAM_SILENCE_TIMEOUT_MS: whole(1, 24 * 60 * MINUTE_MS).default(9 * MINUTE_MS),
  UPSTREAM_EXCHANGE_TIMEOUT_MS: whole(1, 24 * 60 * MINUTE_MS).default(30 * MINUTE_MS),
  // Docker kills after the 40 s of stop_grace_period: what is left by then is still settled, and shipped, in time.
  DRAIN_TIMEOUT_MS: whole(0, 10 * MINUTE_MS).default(25_000),
});

/** Origins as browsers send them (RFC 6454 §6.1), or `*` for all. */
function origins() {
  const error = 'must be origins such as https://chat.example.org, separated by commas, or * for all';
  return z
    .string()
    .transform((text) => text.split(',').map((origin) => origin.trim()))
    .refine((list) => list.every((origin) => URL.parse(origin)?.origin === origin) || list.join() === '*', {
      error,
    });
}

function credential() {
  return z
    .string()
    .regex(VISIBLE_ASCII, { error: 'has characters that no header can carry: paste it again' });
}

function whole(from: number, to: number) {
  const error = `must be a whole number from ${from} to ${to}`;
  return z
    .string()
    .refine((text) => /^\d{1,15}$/.test(text) && Number(text) >= from && Number(text) <= to, { error })
    .transform(Number);
}

function onOff() {
  const error = 'must be true or false';
  return z
    .string()
    .regex(/^(true|false|1|0|yes|no|on|off)$/i, { error })
    .transform((text) => /^(true|1|yes|on)$/i.test(text));
}

function tokens() {
  const make = 'make one with openssl rand -hex 32';
  return z
    .string()
    .transform((list) =>
      list
        .split(',')
        .map((token) => token.trim())
        .filter((token) => token !== ''),
    )
    .refine((tokens) => tokens.length > 0, { error: `holds no token: ${make}` })
    .refine((tokens) => tokens.every((token) => token.length >= TOKEN_LENGTH_MIN), {
      error: `has fewer than ${TOKEN_LENGTH_MIN} characters: ${make}`,
    })
    .refine((tokens) => !tokens.some(isPlaceholder), {
      error: `is a placeholder that anybody can guess: ${make}`,
    })
    .refine((tokens) => tokens.every((token) => VISIBLE_ASCII.test(token)), {
      error: `has characters that no header can carry: ${make}`,
    });
}

function isPlaceholder(token: string): boolean {
  return PLACEHOLDER.test(token) || new Set(token).size < 8;
}

function isTimeZone(name: string): boolean {
  try {
    calendarOf(name);
    return true;
  } catch {
    return false;
  }
}
