import type { Command } from 'commander';
import { Option } from 'commander';
import { given, wholeNumber } from './option-values.ts';
import { print } from './print.ts';

interface UsageOptions {
  readonly json?: true;
  readonly day?: string;
  readonly from?: string;
  readonly to?: string;
  readonly key?: string;
  readonly model?: string;
  readonly groupBy?: 'key' | 'model' | 'key_model' | 'day';
  readonly limit?: number;
}

/** `usage`: what was used, by day and key or model. */
export function addUsageCommand(program: Command): void {
  program
    .command('usage')
    .description('show what was used, newest days first')
    .option('--day <day>', 'one local day, YYYY-MM-DD')
    .option('--from <day>', 'first local day')
    .option('--to <day>', 'last local day')
    .option('--key <key>', "a key's id, or the key itself")
    .option('--model <name>', 'one model')
    .addOption(new Option('--group-by <what>', 'default: key').choices(['key', 'model', 'key_model', 'day']))
    .option('--limit <n>', 'at most so many lines (default: 100)', wholeNumber)
    .option('--json', 'print JSON')
    .action(async ({ json, groupBy, ...options }: UsageOptions) => {
      const { connect } = await import('./connect.ts');
      const report = await connect().usage.read({ query: given({ ...options, group_by: groupBy }) });
      const { items, totals } = report;
      const sum = { day: 'total', key: null, label: null, model: null, ...totals };
      print(json, report, () =>
        items.length === 0
          ? []
          : [...items, sum].map((item) => ({
              day: item.day,
              key: item.key,
              label: item.label,
              model: item.model,
              requests: item.req_count,
              errors: item.error_count,
              refused: item.rejected_count,
              prompt: item.prompt_tokens,
              output: item.completion_tokens,
              'cost micros': totals.cost_micros === 0 ? null : item.cost_micros,
              cached: totals.cached_tokens === 0 ? null : item.cached_tokens,
            })),
      );
    });
}
