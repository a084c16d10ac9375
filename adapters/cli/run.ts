import { CommanderError } from 'commander';
import { ConfigError } from '#adapters/container/config-error.ts';
import { AdminError } from '#handlers/admin/client.ts';
import { WrongUsage } from './command-failed.ts';
import { createProgram } from './create-program.ts';
import { usageText } from './usage-text.ts';
import { watchOutput } from './watch-output.ts';

const FAILED = 1;
const USAGE = 2;
const CONFIGURATION = 78; // sysexits.h: EX_CONFIG

/** Runs one command line. Resolves with the exit code: 0 ok, 1 failed, 2 usage, 78 configuration. */
export async function run(argv: readonly string[]): Promise<number> {
  const outcome = { code: 0 };
  const output = watchOutput();
  const program = createProgram((code) => {
    outcome.code = code;
  });
  try {
    await program.parseAsync(argv.length === 0 ? ['serve'] : argv, { from: 'user' });
  } catch (error) {
    // Help that was asked for is no error.
    if (!(error instanceof CommanderError && error.exitCode === 0)) {
      const told = error instanceof CommanderError ? [usageText(error, program, argv)] : linesOf(error);
      for (const line of told) process.stderr.write(`quota-proxy: ${line}\n`);
      outcome.code = codeOf(error);
    }
  }
  const lost = await output.lost();
  if (lost === null) return outcome.code;
  process.stderr.write(
    `quota-proxy: what was to be printed is lost (${lost}): make room, or print elsewhere\n`,
  );
  return FAILED;
}

function codeOf(error: unknown): number {
  if (error instanceof ConfigError) return CONFIGURATION;
  // What only the server knows to be wrong was wrong on the command line all the same.
  const isWrong = error instanceof AdminError && WRONG_USAGE.has(error.code);
  return isWrong || error instanceof CommanderError || error instanceof WrongUsage ? USAGE : FAILED;
}

const WRONG_USAGE: ReadonlySet<string> = new Set([
  'invalid_path',
  'invalid_query',
  'invalid_body',
  'invalid_idempotency_key',
]);

const FORESEEN: ReadonlySet<string> = new Set([
  'CommandFailed',
  'WrongUsage',
  'AdminError',
  'StoreRefused',
  'StoreUnavailable',
  'SecretFileRefused',
  'StartRefused',
  'InTheWay',
  'NothingToRestore',
  'NotRecognised',
  'CopyBroken',
  'RecordBroken',
  'SealBroken',
  'SpoolFull',
  'VaultFailure',
  'VaultConflict',
]);

/** What to tell of an error: one line for each thing to do. Only what nobody foresaw shows where it happened. */
function linesOf(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems;
  if (!(error instanceof Error)) return [String(error)];
  if (!FORESEEN.has(error.name)) return [error.stack ?? error.message];
  return [error.message.replaceAll(/\s*\n\s*/g, ' ')];
}
