import type { Command } from 'commander';
import type { Quota } from '#core/model.ts';
import { given, oneMore, oneMoreQuota, wholeNumber } from './option-values.ts';

/** What a person says of a new key, as the options of a command. */
export interface TermOptions {
  readonly label?: string;
  readonly expiresInDays?: number;
  readonly dailyLimit?: number;
  readonly totalQuota?: number;
  readonly quota?: Quota[];
  readonly model?: string[];
  readonly ip?: string[];
  readonly requestsPerMinute?: number;
  readonly maxConcurrency?: number;
}

/** Gives a command the options that say what a new key may do. */
export function addTermOptions(command: Command): Command {
  return command
    .option('--label <text>', 'whose key it is')
    .option('--expires-in-days <days>', '0: never (default: KEY_EXPIRY_DAYS of the server)', wholeNumber)
    .option(
      '--daily-limit <requests>',
      'requests per day; 0: no limit (default: DAILY_REQ_LIMIT of the server)',
      wholeNumber,
    )
    .option('--total-quota <requests>', 'requests in total', wholeNumber)
    .option('--quota <quota>', "such as '100000 tokens/day'; may be given several times", oneMoreQuota)
    .option('--model <name>', 'a model that it may use (default: all); may be given several times', oneMore)
    .option('--ip <range>', 'an address or CIDR range (default: all); may be given several times', oneMore)
    .option('--requests-per-minute <n>', '0: no rate limit (default: that of the server)', wholeNumber)
    .option('--max-concurrency <n>', 'requests in flight at once', wholeNumber);
}

/** The options as the admin API takes them. */
export function termsOf(options: TermOptions) {
  return given({
    label: options.label,
    expires_in_days: options.expiresInDays,
    daily_limit: options.dailyLimit === 0 ? null : options.dailyLimit,
    total_quota: options.totalQuota,
    quotas: options.quota,
    models: options.model,
    ips: options.ip,
    requests_per_minute: options.requestsPerMinute,
    max_concurrency: options.maxConcurrency,
  });
}
