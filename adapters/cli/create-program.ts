import { Command } from 'commander';
import { VERSION } from '#adapters/container/version.ts';
import { addApplicationCommands } from './application-commands.ts';
import { addBackupCommands } from './backup-commands.ts';
import { WrongUsage } from './command-failed.ts';
import { addCompletionCommands } from './completion-commands.ts';
import { addImportCommand } from './import-command.ts';
import { addKeyCommands } from './key-commands.ts';
import { addKeyUpdate } from './key-update-command.ts';
import { addOperationCommands } from './operation-commands.ts';
import { addRequestCommands } from './request-commands.ts';
import { addRestoreCommand } from './restore-command.ts';
import { addSponsorCommands } from './sponsor-commands.ts';
import { addStatusCommand } from './status-command.ts';
import { addUsageCommand } from './usage-command.ts';
import { addWhatIfCommand } from './what-if-command.ts';

/** All commands. What a command needs is loaded when it runs: a health check must be quick. */
export function createProgram(exitWith: (code: number) => void): Command {
  const program = new Command('quota-proxy')
    .description('Share one upstream LLM key with many people, and never overspend it.')
    .version(VERSION, '-V, --version', 'print the version')
    .exitOverride()
    .hook('preAction', (_, command) => refuseEmpty(command))
    // What is wrong with a command line is told by `run`, in one line.
    .configureOutput({ writeErr: () => undefined });

  program
    .command('serve')
    .description('serve until SIGTERM; without configuration, with a built-in demo upstream (default)')
    .action(async () => {
      const { start } = await import('#adapters/container/start.ts');
      await start(async () => (await import('#adapters/container/config.ts')).readConfig());
    });

  program
    .command('demo')
    .description('serve the built-in demo upstream, whatever is set; keeps nothing unless STORE_PATH is set')
    .action(async () => {
      const { serveDemo } = await import('./serve-demo.ts');
      await serveDemo();
    });

  addKeyUpdate(addKeyCommands(program));
  addApplicationCommands(program);
  addUsageCommand(program);
  addWhatIfCommand(program);
  addRequestCommands(program);
  addSponsorCommands(program);
  addOperationCommands(program, exitWith);
  addStatusCommand(program);
  addImportCommand(program);
  addBackupCommands(program, exitWith);
  addRestoreCommand(program);

  addOwnCommands(program, exitWith);
  addMigrate(program);
  addCompletionCommands(program);
  return program;
}

/** A variable of a shell that is not set makes an option empty: that is not the same as leaving it out. A label may be none. */
function refuseEmpty(command: Command): void {
  for (const option of command.options) {
    const values = [command.getOptionValue(option.attributeName())].flat();
    if (option.long !== '--label' && values.includes(''))
      throw new WrongUsage(`${option.long} is empty: say what it is to be, or leave it out`);
  }
}

/** Those that look at this program, or at what its environment names. */
function addOwnCommands(program: Command, exitWith: (code: number) => void): void {
  program
    .command('doctor')
    .description('check the promises of a database, and say how many rows were looked at')
    .option('--path <file>', 'the database (default: STORE_PATH)')
    .option('--json', 'print JSON')
    .action(async (options: { path?: string; json?: true }) => {
      const { doctor } = await import('./doctor.ts');
      exitWith((await doctor(options)) ? 0 : 1);
    });

  program
    .command('healthcheck')
    .description('ask the server of this environment whether it is well')
    .action(async () => {
      const { healthcheck } = await import('./healthcheck.ts');
      await healthcheck();
    });

  program
    .command('version')
    .description('print the version')
    .option('--json', 'print JSON')
    .action(({ json }: { json?: true }) => {
      process.stdout.write(`${json ? JSON.stringify({ version: VERSION }) : VERSION}\n`);
    });
}

/** What an operator may expect to work, and must be told that it does not. */
function addMigrate(program: Command): void {
  program
    .command('migrate', { hidden: true })
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .action(() => {
      throw new WrongUsage(
        'migrate is for PostgreSQL, which this version does not have: it keeps everything in SQLite, at STORE_PATH',
      );
    });
}
