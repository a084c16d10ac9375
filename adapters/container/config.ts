import { dirname, join } from 'node:path';
import type * as z from 'zod';
import type { AbnormalLimits } from '#core/abnormal.ts';
import type { PriceTable } from '#core/price.ts';
import type { ApplicationPolicy } from '#handlers/services.ts';
import { type BackupConfig, backupConfigOf } from './backup-config.ts';
import { ConfigError } from './config-error.ts';
import { fileText } from './file-text.ts';
import type { Environment, GivenSettings } from './given-settings.ts';
import { described, givenSettings } from './given-settings.ts';
import { pricesOf } from './price-file.ts';
import { PEPPER_LENGTH_MIN, settings } from './settings.ts';
import { type TracingConfig, tracingConfigOf } from './tracing-config.ts';
import { UPSTREAM_SETTINGS, upstreamsOf } from './upstreams-config.ts';
import type { ConfiguredUpstream } from './upstreams-file.ts';

type Settings = z.output<typeof settings>;

/** What the operator wants, complete and checked. */
export interface Config {
  readonly production: boolean;
  /** Empty: one is made at the first start and kept at `adminTokenPath`. Never empty in production. */
  readonly adminTokens: readonly string[];
  readonly adminTokenPath: string;
  /** Empty: the metrics are for the admin alone. */
  readonly metricsTokens: readonly string[];
  /** The addresses and ranges that may use the admin API; `null`: all. */
  readonly adminAddresses: readonly string[] | null;
  /** Whose pages may call the client API from a browser; `*` is everybody's. */
  readonly corsOrigins: readonly string[];
  /** The addresses and ranges whose X-Forwarded-For counts. */
  readonly trustedProxies: readonly string[];
  /** Empty: the built-in demo upstream. Never empty in production. */
  readonly upstreams: readonly ConfiguredUpstream[];
  /** Whether each upstream is asked for its models at the start, and while it is in trouble. */
  readonly upstreamCheck: boolean;
  readonly connectTimeoutMs: number;
  /** From the end of a request to the first header of the upstream's answer. */
  readonly headersTimeoutMs: number;
  readonly silenceTimeoutMs: number;
  readonly exchangeMsMax: number;
  readonly host: string;
  readonly port: number;
  readonly storePath: string;
  readonly logLevel: Settings['LOG_LEVEL'];
  /** 0 is no rate limit. */
  readonly requestsPerMinute: number;
  readonly dailyRequestLimit: number;
  readonly keyExpiryDays: number;
  readonly keyPrefix: string;
  readonly operationLog: boolean;
  /** `null`: nobody can apply for a key. */
  readonly applications: ApplicationPolicy | null;
  /** Also where nobody can apply any more. 0 is for ever. */
  readonly applicationsDays: number;
  /** 0 is for ever. */
  readonly ledgerDays: number;
  readonly timeZone: string;
  /** `null`: one is made at the first start and kept at `pepperPath`. */
  readonly pepper: string | null;
  readonly pepperPath: string;
  /** Where the prices are read again when they have changed; `null`: there are none. */
  readonly pricesPath: string | null;
  readonly prices: PriceTable | null;
  readonly bodyBytesMax: number;
  readonly connectionsMax: number;
  /** The longest that a client may leave what it was sent unread. */
  readonly clientStallMs: number;
  /** Of all requests at once. Never less than one may have. */
  readonly bodiesBytesMax: number;
  /** Credentials from one address that are none; 0: any number. */
  readonly authFailuresPerMinute: number;
  readonly drainTimeoutMs: number;
  readonly abnormal: AbnormalLimits;
  /** `null`: nobody is told but the log. */
  readonly webhook: { readonly url: string; readonly secret: string } | null;
  /** `null`: no backups are made. */
  readonly backup: BackupConfig | null;
  /** Whether the newest backup is restored where there is no database at all. */
  readonly restoreIfMissing: boolean;
  /** `null`: nothing is traced. */
  readonly tracing: TracingConfig | null;
}

/** What the command line needs to know of a server that runs with the same environment. */
export interface ToolConfig {
  /** Where the server is. */
  readonly baseUrl: string;
  /** `null`: the one kept at `adminTokenPath`, if any. */
  readonly adminToken: string | null;
  readonly adminTokenPath: string;
  readonly storePath: string;
  readonly timeZone: string;
  /** `null`: one is kept at `pepperPath`, if any. */
  readonly pepper: string | null;
  readonly pepperPath: string;
  readonly backup: BackupConfig | null;
  /** In which output can be drawn. */
  readonly charset: 'utf-8' | 'ascii';
}

/**
 * The configuration that the environment and the files named in it describe. An empty variable is one not set.
 * @throws ConfigError with every problem there is, not the first alone
 */
export function readConfig(env: Environment = process.env): Config {
  const problems: string[] = [];
  const given = givenSettings(env, problems);
  const values = parsed(given, problems);
  const pepper = pepperOf(given, problems);
  const upstreams = upstreamsOf(given, problems);
  const prices = pricesOf(given, problems);
  const backup = backupConfigOf(values, given, problems);
  const webhook = webhookOf(given, problems);
  const tracing = tracingConfigOf(given, problems);
  if (values.RESTORE_IF_MISSING !== undefined && values.BACKUP_TARGET === undefined) {
    problems.push('RESTORE_IF_MISSING is set, and BACKUP_TARGET is not: set it to where the backups are');
  }
  if (given['NODE_ENV']?.value === 'production') problems.push(...missingInProduction(given));
  if (problems.length > 0) throw new ConfigError(problems);
  return { ...configOf(values), ...prices, upstreams, pepper, backup, webhook, tracing };
}

/**
 * The configuration of a demonstration: whatever else is set, the built-in upstream answers.
 * Where no STORE_PATH is set, everything is kept in the directory that `makeDirectory` makes.
 * @throws ConfigError, and in production always: nobody's data come near a demonstration
 */
export function readDemoConfig(makeDirectory: () => string, env: Environment = process.env): Config {
  const { UPSTREAM_BASE_URL, UPSTREAM_API_KEY, UPSTREAMS_FILE, ...others } = env;
  const { DEEPSEEK_BASE_URL, DEEPSEEK_API_KEY, ...rest } = others;
  if (rest['NODE_ENV'] === 'production') {
    throw new ConfigError([
      'NODE_ENV: is production, where no demo upstream answers: unset it for a demonstration',
    ]);
  }
  const isPlaced = givenSettings(rest, [])['STORE_PATH'] !== undefined;
  return readConfig(isPlaced ? rest : { ...rest, STORE_PATH: join(makeDirectory(), 'quota.db') });
}

/** The part of the configuration that the command line needs. @throws ConfigError */
export function readToolConfig(env: Environment = process.env): ToolConfig {
  const problems: string[] = [];
  const given = givenSettings(env, problems);
  const values = parsed(given, problems);
  const url = given['QUOTA_PROXY_URL']?.value;
  if (url !== undefined && !(URL.canParse(url) && /^https?:\/\/[^@?#]+$/i.test(url))) {
    const what = described('QUOTA_PROXY_URL', given);
    problems.push(
      `${what}: must be a URL such as http://127.0.0.1:8787, without a user, a query or a fragment`,
    );
  }
  const pepper = pepperOf(given, problems);
  const backup = backupConfigOf(values, given, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    baseUrl: url ?? ownUrl(values.HOST, values.PORT),
    adminToken: values.ADMIN_TOKEN?.[0] ?? null,
    adminTokenPath: besideStore(values, 'admin-token'),
    storePath: values.STORE_PATH,
    timeZone: values.QUOTA_TIMEZONE,
    pepper,
    pepperPath: besideStore(values, 'pepper'),
    backup,
    charset: charsetOf(env),
  };
}

/** What a terminal shows, as the locale says (POSIX, Locale): one that says nothing is taken for a modern one. */
function charsetOf(env: Environment): ToolConfig['charset'] {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return locale === '' || /utf-?8/i.test(locale) ? 'utf-8' : 'ascii';
}

/** Where a server that listens so is reached from its own machine. */
export function ownUrl(host: string, port: number): string {
  const reached = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}

/** What is set, with the defaults in the place of what is wrong: so all the rest can be looked at, too. */
function parsed(given: GivenSettings, problems: string[]): Settings {
  const set = Object.entries(given).map(([name, { value }]) => [name, value] as const);
  const read = settings.safeParse(Object.fromEntries(set));
  // One line for each setting: what is wrong first is often why the rest is.
  const wrong = new Map(
    read.error?.issues.toReversed().map(({ path, message }) => [String(path[0]), message]),
  );
  for (const [name, message] of [...wrong].toReversed()) {
    problems.push(`${described(name, given)}: ${message}`);
  }
  const values = read.data ?? settings.parse(Object.fromEntries(set.filter(([name]) => !wrong.has(name))));
  const { UPSTREAM_TIMEOUT_MS: headers, UPSTREAM_EXCHANGE_TIMEOUT_MS: exchange } = values;
  const areRight = !wrong.has('UPSTREAM_TIMEOUT_MS') && !wrong.has('UPSTREAM_EXCHANGE_TIMEOUT_MS');
  if (areRight && exchange < headers) {
    problems.push(
      `UPSTREAM_EXCHANGE_TIMEOUT_MS is ${exchange}: must not be less than UPSTREAM_TIMEOUT_MS, which is ${headers}`,
    );
  }
  return values;
}

type FromElsewhere = 'upstreams' | 'pepper' | 'prices' | 'pricesPath' | 'backup' | 'webhook' | 'tracing';

function configOf(values: Settings): Omit<Config, FromElsewhere> {
  return {
    production: values.NODE_ENV === 'production',
    adminTokens: values.ADMIN_TOKEN ?? [],
    adminTokenPath: besideStore(values, 'admin-token'),
    metricsTokens: values.METRICS_TOKEN ?? [],
    adminAddresses: values.ADMIN_ALLOWED_IPS ?? null,
    corsOrigins: values.CORS_ORIGINS ?? [],
    trustedProxies: values.TRUSTED_PROXIES ?? [],
    upstreamCheck: values.UPSTREAM_CHECK,
    connectTimeoutMs: values.UPSTREAM_CONNECT_TIMEOUT_MS,
    headersTimeoutMs: values.UPSTREAM_TIMEOUT_MS,
    silenceTimeoutMs: values.UPSTREAM_SILENCE_TIMEOUT_MS,
    exchangeMsMax: values.UPSTREAM_EXCHANGE_TIMEOUT_MS,
    host: values.HOST,
    port: values.PORT,
    storePath: values.STORE_PATH,
    logLevel: values.LOG_LEVEL,
    requestsPerMinute: values.ENABLE_RATE_LIMIT ? values.MAX_REQUESTS_PER_MINUTE : 0,
    dailyRequestLimit: values.DAILY_REQ_LIMIT,
    keyExpiryDays: values.KEY_EXPIRY_DAYS,
    keyPrefix: values.KEY_PREFIX,
    operationLog: values.ENABLE_OPERATION_LOG,
    applications: values.APPLICATIONS
      ? { perHour: values.APPLICATIONS_PER_HOUR, pendingMax: values.APPLICATIONS_PENDING_MAX }
      : null,
    applicationsDays: values.APPLICATIONS_DAYS,
    ledgerDays: values.LEDGER_DAYS,
    timeZone: values.QUOTA_TIMEZONE,
    pepperPath: besideStore(values, 'pepper'),
    bodyBytesMax: values.MAX_BODY_BYTES,
    connectionsMax: values.MAX_CONNECTIONS,
    clientStallMs: values.CLIENT_STALL_TIMEOUT_MS,
    bodiesBytesMax: Math.max(values.MAX_BODIES_BYTES, values.MAX_BODY_BYTES),
    authFailuresPerMinute: values.AUTH_FAILURES_PER_MINUTE,
    drainTimeoutMs: values.DRAIN_TIMEOUT_MS,
    abnormal: {
      authFailuresMax: values.ABNORMAL_AUTH_FAILURES_MAX,
      addressesMax: values.ABNORMAL_ADDRESSES_MAX,
      dayMultiple: values.ABNORMAL_DAY_MULTIPLE,
    },
    restoreIfMissing: values.RESTORE_IF_MISSING !== undefined,
  };
}

/** Whoever takes what a webhook brings must be able to tell that it is from here. */
function webhookOf(given: GivenSettings, problems: string[]): Config['webhook'] {
  const [url, secret] = [given['WEBHOOK_URL']?.value, given['WEBHOOK_SECRET']?.value];
  if (url !== undefined && secret !== undefined) return { url, secret };
  if (url !== undefined) {
    problems.push(
      'WEBHOOK_URL is set, and WEBHOOK_SECRET is not: make one with echo "whsec_$(openssl rand -base64 32)"',
    );
  }
  return null;
}

function missingInProduction(given: GivenSettings): string[] {
  const problems: string[] = [];
  if (given['ADMIN_TOKEN'] === undefined) {
    problems.push('ADMIN_TOKEN is not set, and NODE_ENV is production: make one with openssl rand -hex 32');
  }
  if (UPSTREAM_SETTINGS.every((name) => given[name] === undefined)) {
    problems.push(
      'UPSTREAM_API_KEY is not set, and the demo upstream is not for production: set it, or UPSTREAM_BASE_URL for an upstream without keys',
    );
  }
  return problems;
}

function pepperOf(given: GivenSettings, problems: string[]): string | null {
  const path = given['KEY_PEPPER_FILE']?.value;
  const value = given['KEY_PEPPER']?.value ?? null;
  if (path === undefined) return value;
  if (value !== null) problems.push('KEY_PEPPER and KEY_PEPPER_FILE are both set: unset one of them');
  const pepper = fileText('KEY_PEPPER_FILE', path, problems)?.trim();
  if (pepper !== undefined && pepper.length < PEPPER_LENGTH_MIN) {
    problems.push(`KEY_PEPPER_FILE is '${path}': the file holds fewer than ${PEPPER_LENGTH_MIN} characters`);
  }
  return pepper ?? null;
}

function besideStore({ STORE_PATH }: Settings, name: string): string {
  return join(dirname(STORE_PATH), name);
}
