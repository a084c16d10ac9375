import type { Command } from 'commander';
import type { Quota } from '#core/model.ts';
import { oneMoreQuota, wholeNumber } from './option-values.ts';
import { printText } from './print.ts';

/** The limits that are tried out, and on what. */
export interface WhatIfOptions {
  readonly json?: true;
  readonly limit?: readonly Quota[];
  readonly sponsorLimit?: readonly Quota[];
  readonly rate?: number;
  readonly concurrency?: number;
  readonly key?: string;
  readonly from?: string;
  readonly to?: string;
}

/** `what-if`: who would have been refused if other limits had been in force. */
export function addWhatIfCommand(program: Command): void {
  program
    .command('what-if')
    .description(
      'replay what was recorded against other limits: who would have been refused, when, and what it would have cost',
    )
    .option(
      '--limit <quota>',
      "of each key, such as '200 requests/day'; may be given several times",
      oneMoreQuota,
    )
    .option('--sponsor-limit <quota>', 'of all keys together; may be given several times', oneMoreQuota)
    .option('--rate <n>', 'requests per minute of each key', wholeNumber)
    .option('--concurrency <n>', 'requests in flight of each key', wholeNumber)
    .option('--key <key>', 'of one key alone: its id, or the key itself')
    .option('--from <day>', 'first local day, YYYY-MM-DD (default: four weeks ago)')
    .option('--to <day>', 'last local day (default: today)')
    .option('--json', 'print JSON')
    .action(async (options: WhatIfOptions) => {
      const { replayReceipts } = await import('./replay-receipts.ts');
      const { whatIfText } = await import('./what-if-text.ts');
      const report = await replayReceipts(options);
      printText(options.json, report, () => whatIfText(report));
    });
}
