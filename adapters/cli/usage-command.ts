import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { WrongUsage } from './command-failed.ts';
import { given, wholeNumber } from './option-values.ts';
import { print, printText } from './print.ts';
import { PLOTTED, type Plotted } from './usage-plot.ts';

export interface UsageOptions {
  readonly day?: string;
  readonly from?: string;
  readonly to?: string;
  readonly key?: string;
  readonly model?: string;
  readonly groupBy?: 'key' | 'model' | 'key_model' | 'day' | 'month';
  readonly cursor?: string;
  readonly limit?: number;
}

interface UsageCommandOptions extends UsageOptions {
  readonly json?: true;
  readonly plot?: Plotted | true;
  readonly watch?: number | true;
}

const WATCH_SECONDS = 2;

/** `usage`: what was used, by day and key or model. */
export function addUsageCommand(program: Command): void {
  const usage = program
    .command('usage')
    .description('show what was used, newest days first')
    .option('--day <day>', 'one local day, YYYY-MM-DD')
    .option('--from <day>', 'first local day')
    .option('--to <day>', 'last local day')
    .option('--key <key>', "a key's id, or the key itself")
    .option('--model <name>', 'one model')
    .addOption(
      new Option('--group-by <what>', 'default: key').choices(['key', 'model', 'key_model', 'day', 'month']),
    )
    .option('--limit <n>', 'at most so many lines (default: 100)', wholeNumber)
    .option('--cursor <cursor>', 'go on where the lines before ended')
    .addOption(
      new Option(
        '--plot [what]',
        'a bar for each day, of the last 30 if no others are named (default: requests)',
      )
        .choices(PLOTTED)
        .conflicts(['groupBy', 'limit', 'day', 'cursor']),
    )
    .option('--watch [seconds]', `again and again, until Ctrl-C (default: ${WATCH_SECONDS})`, seconds)
    .option('--json', 'print JSON; with --watch, one line each time')
    .action(async (options: UsageCommandOptions) => {
      await showUsage(options);
    });
  addReset(usage);
}

async function showUsage({ json, plot, watch: every, ...options }: UsageCommandOptions): Promise<void> {
  const { connect } = await import('./connect.ts');
  const { plotView, tableView } = await import('./usage-view.ts');
  const client = connect();
  const look =
    plot === undefined
      ? () => tableView(client, options)
      : () => plotView(client, options, plot === true ? 'requests' : plot);
  if (every === undefined) {
    const { answer, text } = await look();
    printText(json, answer, () => text);
    return;
  }
  const { watch } = await import('./watch.ts');
  await watch({
    intervalMs: (every === true ? WATCH_SECONDS : every) * 1000,
    async look() {
      const { answer, text } = await look();
      return json ? `${JSON.stringify(answer)}\n` : text;
    },
  });
}

function addReset(usage: Command): void {
  usage
    .command('reset')
    .description('start the current windows of a key, or of all keys, anew; the ledger stays')
    .argument('[key]', "the key's id, or the key itself")
    .option('--all', 'all keys')
    .option('--json', 'print JSON')
    .action(async (key: string | undefined, _: unknown, command: Command) => {
      // Both this command and `usage` know `--json`.
      const { all, json } = command.optsWithGlobals<{ readonly all?: true; readonly json?: true }>();
      if ((key === undefined) !== (all === true))
        throw new WrongUsage('Name one key whose windows are to start anew, or say --all');
      const { connect } = await import('./connect.ts');
      const done = await connect().usage.reset({ body: given({ key }) });
      print(json, done, () => [{ 'keys reset': done.keys }]);
    });
}

function seconds(text: string): number {
  const given = wholeNumber(text);
  if (given < 1 || given > 86_400) throw new InvalidArgumentError('It must be 1 to 86400 seconds.');
  return given;
}
