import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { calendarOf } from '#core/window.ts';
import { importText } from './import-text.ts';
import { printText } from './print.ts';

interface ImportOptions {
  readonly dryRun?: true;
  readonly timezone?: string;
  readonly quota?: 'cost' | 'none';
  readonly json?: true;
}

/** `import`: keys of another system, with their secrets and what they used. */
export function addImportCommand(program: Command): void {
  program
    .command('import')
    .description('import keys and usage of an older quota-proxy, of one-api or of new-api; may be run again')
    .argument('<file>', 'its SQLite or JSON file, which is only read')
    .option('--dry-run', 'change nothing, and say what would become of each key')
    .option(
      '--timezone <zone>',
      'whose days the file names (default: QUOTA_TIMEZONE of the server)',
      timeZone,
    )
    .addOption(
      new Option(
        '--quota <what>',
        'what becomes of quotas in money (default: cost, if the server has prices)',
      ).choices(['cost', 'none']),
    )
    .option('--json', 'print JSON')
    .action(async (path: string, { json, dryRun, timezone, quota }: ImportOptions) => {
      const { importFile } = await import('./import-file.ts');
      const report = await importFile(path, {
        dryRun: dryRun === true,
        timeZone: timezone ?? null,
        moneyQuotas: quota ?? null,
      });
      printText(json, report, () => importText(report));
    });
}

function timeZone(text: string): string {
  try {
    return calendarOf(text).timeZone;
  } catch {
    throw new InvalidArgumentError('It must be an IANA name, such as Asia/Shanghai.');
  }
}
