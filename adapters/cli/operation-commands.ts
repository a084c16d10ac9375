import type { Command } from 'commander';
import type { AdminClient } from '#handlers/admin/client.ts';
import { given, wholeNumber } from './option-values.ts';
import { print, printPage, timeText } from './print.ts';
import type { Row } from './table.ts';

type Operation = Awaited<ReturnType<AdminClient['operations']['list']>>['items'][number];

interface ListOptions {
  readonly json?: true;
  readonly action?: string;
  readonly target?: string;
  readonly limit?: number;
  readonly cursor?: number;
}

/** `operations list`, `verify`: the log of what was done. */
export function addOperationCommands(program: Command, exitWith: (code: number) => void): void {
  const operations = program
    .command('operations')
    .description('look at the log of admin actions, and check it');
  operations
    .command('list')
    .description('list what was changed, newest first')
    .option('--action <name>', 'such as keys.create')
    .option('--target <what>', "a key's id, sponsor or all")
    .option('--limit <n>', 'at most so many (default: 50)', wholeNumber)
    .option('--cursor <n>', 'go on where the list before ended', wholeNumber)
    .option('--json', 'print JSON')
    .action(async ({ json, ...query }: ListOptions) => {
      const { connect } = await import('./connect.ts');
      const page = await connect().operations.list({ query: given(query) });
      printPage(json, page, rowOf);
    });
  operations
    .command('verify')
    .description('check that no recorded action was changed, left out or put in later')
    .option('--json', 'print JSON')
    .action(async ({ json }: { readonly json?: true }) => {
      const { connect } = await import('./connect.ts');
      const result = await connect().operations.verify();
      print(json, result, () => [{ actions: result.count, intact: result.ok ? 'yes' : 'NO' }]);
      if (!result.ok) {
        process.stderr.write(
          `quota-proxy: action ${result.broken_at} does not follow from the one before: compare it with a backup\n`,
        );
        exitWith(1);
      }
    });
}

function rowOf({ n, at, actor, action, target, details }: Operation): Row {
  return { n, at: timeText(at), actor, action, target, details: JSON.stringify(details) };
}
