import { CommanderError } from 'commander';
import { ConfigError } from '#adapters/container/config-error.ts';
import { createProgram } from './create-program.ts';

const FAILED = 1;
const USAGE = 2;
const CONFIGURATION = 78; // sysexits.h: EX_CONFIG

/** Runs one command line. Resolves with the exit code: 0 ok, 1 failed, 2 usage, 78 configuration. */
export async function run(argv: readonly string[]): Promise<number> {
  const outcome = { code: 0 };
  try {
    await createProgram((code) => {
      outcome.code = code;
    }).parseAsync(argv.length === 0 ? ['serve'] : argv, { from: 'user' });
    return outcome.code;
  } catch (error) {
    // Commander has told what is wrong; help that was asked for is no error.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    for (const line of linesOf(error)) process.stderr.write(`quota-proxy: ${line}\n`);
    return error instanceof ConfigError ? CONFIGURATION : FAILED;
  }
}

const FORESEEN: ReadonlySet<string> = new Set([
  'CommandFailed',
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
