import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Step } from './power-loss.ts';

/** A program in TypeScript, and the one argument that it is given as JSON. */
export interface Script {
  readonly code: string;
  readonly argument: object;
}

/** A moment in the life of a script. */
export interface Kill {
  readonly call: string;
  /** The first is 1. */
  readonly nth: number;
}

export const hasStrace = spawnSync('strace', ['-V']).status === 0;

const REPOSITORY = join(import.meta.dirname, '../..');
/** Those by which a directory is changed, or anything synced. */
const CALLS: readonly string[] = ['mkdir', 'rmdir', 'link', 'rename', 'unlink', 'fsync'];

/** Before each of these steps. */
export function killsOf(steps: readonly Step[]): readonly Kill[] {
  const calls = steps.filter(({ call }) => CALLS.includes(call));
  return calls.map(({ call }, at) => ({
    call,
    nth: calls.slice(0, at + 1).filter((step) => step.call === call).length,
  }));
}

/** What the main thread asked of the file system below `directory` while the script ran to its end. */
export async function traced(script: Script, directory: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'trace-'));
  // A file for each thread: in one, they would interrupt each other's lines.
  const output = ['-ff', '-o', join(folder, 'thread'), '-y', '-s', '4096'];
  const { signal, said } = await run(script, [...output, '-e', `trace=${CALLS.join()},openat,write`]);
  if (signal !== null) throw new Error(said);
  const traces = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  rmSync(folder, { recursive: true });
  const [trace = ''] = traces.filter((text) => text.includes(`rename("${directory}/`));
  return trace
    .split('\n')
    .filter((line) => line.includes(directory) && !line.includes('.lock'))
    .join('\n');
}

/** Runs the script until it asks for the n-th such call, and kills it before that is done. */
export async function killed(script: Script, { call, nth }: Kill): Promise<void> {
  const inject = `inject=${call}:signal=KILL:when=${nth}`;
  const { signal, said } = await run(script, ['-f', '-e', `trace=${call}`, '-e', inject]);
  if (signal !== 'SIGKILL') throw new Error(`no ${call} ${nth}: ${said}`);
}

async function run({ code, argument }: Script, strace: readonly string[]) {
  const node = [process.execPath, '--input-type=module-typescript', '-e', code, JSON.stringify(argument)];
  // strace ends as the script did.
  const child = spawn('strace', [...strace, ...node], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [[exitCode, signal], said] = await Promise.all([
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
    text(child.stderr),
  ]);
  if (signal === null && exitCode !== 0) throw new Error(said);
  return { signal, said };
}
