import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cpSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { freePort } from '#test/fakes/server-process.ts';
import { REPOSITORY } from './docker.ts';
import type { Sshd } from './sshd.ts';
import { startSshd } from './sshd.ts';

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A script under way. */
export interface Running {
  readonly child: ChildProcess;
  /** Standard output and standard error so far. */
  said(): string;
  readonly ended: Promise<Ran>;
}

/** Somebody with a checkout of the repository, who deploys it by ssh into directories of one folder. */
export interface Operator {
  readonly folder: string;
  /** The checkout. What is changed here is what is deployed. */
  readonly checkout: string;
  readonly sshd: Sshd;
  /** The port of this machine that is published: of `.env`. */
  readonly port: number;
  /** Everything that a script wrote so far. */
  allSaid(): string;
  start(script: string, args: readonly string[], env?: Readonly<Record<string, string>>): Running;
  /**
   * Pastes commands into a shell in the checkout, where HOST is what ~/.ssh/config would have a name for. Resolves with
   * what they print. @throws Error if one fails
   */
  paste(script: string, env: Readonly<Record<string, string>>): Promise<string>;
  /** Changes a source file, so that the next release is another one; mends one that was spoiled. */
  change(path: string): Promise<void>;
  /** Makes an image that is another in its command alone. */
  makeImage(name: string, from: string, command: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

const run = promisify(execFile);
const NOT_COPIED = new Set(['node_modules', 'data', 'dist', '.git', '.env']);

export async function anOperator(): Promise<Operator> {
  const folder = await mkdtemp(join(tmpdir(), 'deploy-'));
  const checkout = join(folder, 'checkout-test');
  cpSync(REPOSITORY, checkout, { recursive: true, filter: (path) => !NOT_COPIED.has(basename(path)) });
  const sshd = await startSshd(folder);
  const port = await freePort();
  const images: string[] = [];
  let all = '';

  function start(
    script: string,
    args: readonly string[],
    given: Readonly<Record<string, string>> = {},
  ): Running {
    const env = { ...plainEnv(), ...given };
    const child = spawn(join(checkout, 'scripts', script), args, { cwd: folder, env });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (part: Buffer) => {
      stdout += part.toString();
    });
    child.stderr.on('data', (part: Buffer) => {
      stderr += part.toString();
    });
    const ended = new Promise<Ran>((resolve) =>
      child.once('close', (code) => {
        all += `${stdout}${stderr}`;
        resolve({ code, stdout, stderr });
      }),
    );
    return { child, said: () => `${stdout}${stderr}`, ended };
  }

  return {
    folder,
    checkout,
    sshd,
    port,
    allSaid: () => all,
    start,
    paste: (script, given) =>
      paste(script, checkout, {
        ...given,
        HOST: 'the-host',
        HOME: folder,
        PATH: `${folder}/bin:${process.env['PATH']}`,
        UPSTREAM_API_KEY: 'sk-of-the-sponsor-0123456789',
      }),
    async change(path) {
      const file = join(checkout, path);
      const text = (await readFile(file, 'utf8')).replace('this is no TypeScript', '');
      await writeFile(file, `${text}\n(globalThis as { changed?: number }).changed = ${text.length};\n`);
    },
    async makeImage(name, from, command) {
      // Of this operator's own: others make images of these names, too.
      const image = `quota-proxy-test:deploy-${port}-${name}`;
      await writeFile(join(folder, 'Dockerfile'), `FROM ${from}\nCMD ${JSON.stringify(command)}\n`);
      await run('docker', ['build', '--quiet', '--tag', image, folder, '--file', join(folder, 'Dockerfile')]);
      images.push(image);
      return image;
    },
    async stop() {
      await sshd.stop();
      if (images.length > 0) await run('docker', ['image', 'rm', ...new Set(images)]);
      await rm(folder, { recursive: true });
    },
  };
}

/** Takes away all that a deployment left on the engine; it is called as its directory. */
export async function removeDeployment(project: string): Promise<void> {
  const compose = ['compose', '--project-name', project, 'down', '--volumes', '--timeout', '2'];
  await run('docker', compose, { cwd: tmpdir() });
  const names = ['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}', '--filter', `reference=${project}`];
  const { stdout } = await run('docker', names);
  // By name: by id, others would lose theirs.
  const images = stdout.split('\n').filter((image) => image !== '');
  if (images.length > 0) await run('docker', ['image', 'rm', ...images]);
}

/** Runs a command in the directory of a deployment, as an operator does there. @throws Error if it fails */
export function onHost(directory: string, script: string): Promise<string> {
  return paste(script, directory, {});
}

async function paste(script: string, cwd: string, given: Readonly<Record<string, string>>): Promise<string> {
  const shell = ['--norc', '-euo', 'pipefail', '-c', script];
  try {
    return (await run('bash', shell, { cwd, env: { ...plainEnv(), ...given } })).stdout;
  } catch (error) {
    const { stdout = '' } = error as { stdout?: string };
    throw new Error(`${String(error)}\n${stdout}`, { cause: error });
  }
}

/** As on the operator's own machine: nothing else is set. */
function plainEnv(): Readonly<Record<string, string | undefined>> {
  const { PATH, HOME, DOCKER_HOST } = process.env;
  return { PATH, HOME, ...(DOCKER_HOST !== undefined && { DOCKER_HOST }) };
}

/** Resolves once a script has said something. */
export async function hears(running: Running, what: RegExp): Promise<void> {
  await expect.poll(() => running.said(), { timeout: 60_000, interval: 20 }).toMatch(what);
}
