import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Quota } from '#core/model.ts';
import { WrongUsage } from './command-failed.ts';
import { fieldsOf } from './key-commands.ts';
import { given, instant, oneMore, oneMoreQuota, wholeNumber } from './option-values.ts';
import { print } from './print.ts';

/** Commander takes `null` alone for an option without a value. */
interface Lifted<T> {
  readonly value: T | null;
}

interface UpdateOptions {
  readonly json?: true;
  readonly label?: string;
  readonly expires?: Lifted<number>;
  readonly quota?: readonly Quota[];
  readonly model?: Lifted<readonly string[]>;
  readonly ip?: Lifted<readonly string[]>;
  readonly requestsPerMinute?: Lifted<number>;
  readonly maxConcurrency?: Lifted<number>;
}

/** `keys update`: other terms for a key. What is not named stays as it is. */
export function addKeyUpdate(keys: Command): void {
  keys
    .command('update')
    .description('change what a key may do; what is not named stays as it is')
    .argument('<key>', "the key's id, or the key itself")
    .option('--label <text>', 'whose key it is')
    .option('--expires <time>', 'such as 2026-12-31T00:00:00Z; never', orNull('never', instant))
    .option(
      '--quota <quota>',
      "such as '100000 tokens/day', instead of all before; may be given several times; none",
      quotaOrNone,
    )
    .option('--model <name>', 'a model that it may use; may be given several times; any', listOr('any'))
    .option('--ip <range>', 'an address or CIDR range; may be given several times; any', listOr('any'))
    .option('--requests-per-minute <n>', '0: no rate limit; default', orNull('default', wholeNumber))
    .option('--max-concurrency <n>', 'requests in flight at once; any', orNull('any', wholeNumber))
    .option('--json', 'print JSON')
    .action(async (key: string, { json, ...options }: UpdateOptions) => {
      const body = given({
        label: options.label,
        expires_at: options.expires?.value,
        quotas: options.quota && [...options.quota],
        models: listOf(options.model),
        ips: listOf(options.ip),
        requests_per_minute: options.requestsPerMinute?.value,
        max_concurrency: options.maxConcurrency?.value,
      });
      if (Object.keys(body).length === 0)
        throw new WrongUsage(
          'Say what to change, such as --label or --quota: quota-proxy keys update --help',
        );
      const { connect } = await import('./connect.ts');
      const changed = await connect().keys.patch({ params: { key }, body });
      print(json, changed, () => fieldsOf(changed));
    });
}

/** A value, or the word for none. */
function orNull<T>(word: string, read: (text: string) => T): (text: string) => Lifted<T> {
  return (text) => {
    if (text === word) return { value: null };
    try {
      return { value: read(text) };
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      throw new InvalidArgumentError(`${error.message} Or: ${word}.`);
    }
  };
}

/** One more of a list, or the word that lifts the restriction. */
function listOr(word: string) {
  return (text: string, before?: Lifted<readonly string[]>): Lifted<readonly string[]> => ({
    value: text === word ? null : oneMore(text, before?.value ?? []),
  });
}

function listOf(given: Lifted<readonly string[]> | undefined): string[] | null | undefined {
  return given?.value === undefined || given.value === null ? given?.value : [...given.value];
}

function quotaOrNone(text: string, before?: readonly Quota[]): readonly Quota[] {
  return text === 'none' ? [] : oneMoreQuota(text, before);
}
