import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';

const REPOSITORY = join(import.meta.dirname, '../..');

/** How a process ended, and what it wrote. */
export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Writes a program in TypeScript, with all of this repository that it imports, into one file: where a test starts it a
 * hundred times, that is a quarter of the work.
 */
export async function bundleScript(code: string, outfile: string): Promise<string> {
  await build({
    stdin: { contents: code, resolveDir: REPOSITORY, loader: 'ts' },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['better-sqlite3'],
    logLevel: 'error',
  });
  return outfile;
}

/** Runs such a file, `under` another program if one is given, which passes on how it ended. */
export async function runScript(
  file: string,
  args: readonly string[],
  under: readonly string[] = [],
): Promise<Ended> {
  const [command = '', ...rest] = [...under, process.execPath, file, ...args];
  const child = spawn(command, rest, {
    env: { NODE_PATH: join(REPOSITORY, 'node_modules') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [exitCode, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  return { exitCode, signal, stdout, stderr };
}

/** Does `work` with each, a few at a time; the results are in the order of the items. */
export async function severalAtATime<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const rest = [...items.entries()];
  const next = async () => {
    for (let one = rest.shift(); one !== undefined; one = rest.shift()) results[one[0]] = await work(one[1]);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, next));
  return results;
}

/** As many processes as there are cores where the tests must be quick. */
const AT_A_TIME = 2;
