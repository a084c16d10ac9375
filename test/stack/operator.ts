import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cpSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
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
  /** Makes an image that is another in its command alone. */
  makeImage(name: string, from: string, command: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

const run = promisify(execFile);
const NOT_COPIED = new Set(['node_modules', 'data', 'dist', '.git', '.env']);

export async function anOperator(): Promise<Operator> {
  const folder = await mkdtemp(join(tmpdir(), 'deploy-'));
  const checkout = join(folder, 'checkout');
  cpSync(REPOSITORY, checkout, { recursive: true, filter: (path) => !NOT_COPIED.has(basename(path)) });
  const sshd = await startSshd(folder);
  const images: string[] = [];
  let all = '';

  function start(
    script: string,
    args: readonly string[],
    given: Readonly<Record<string, string>> = {},
  ): Running {
    const { PATH, HOME, DOCKER_HOST } = process.env;
    const env = { PATH, HOME, ...(DOCKER_HOST !== undefined && { DOCKER_HOST }), ...given };
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
    port: await freePort(),
    allSaid: () => all,
    start,
    async makeImage(name, from, command) {
      const image = `quota-proxy-test:deploy-${name}`;
      await writeFile(join(folder, 'Dockerfile'), `FROM ${from}\nCMD ${JSON.stringify(command)}\n`);
      await run('docker', ['build', '--quiet', '--tag', image, folder, '--file', join(folder, 'Dockerfile')]);
      images.push(image);
      return image;
    },
    async stop() {
      await sshd.stop();
      if (images.length > 0) await run('docker', ['image', 'rm', ...images]);
      await rm(folder, { recursive: true });
    },
  };
}

/** Takes away all that a deployment left on the engine. */
export async function removeDeployment(directory: string): Promise<void> {
  const project = basename(directory);
  const compose = ['compose', '--project-name', project, 'down', '--volumes', '--timeout', '2'];
  await run('docker', compose, { cwd: tmpdir() });
  const { stdout } = await run('docker', ['image', 'ls', '--quiet', '--filter', `reference=${project}`]);
  const ids = [...new Set(stdout.split('\n').filter((id) => id !== ''))];
  if (ids.length > 0) await run('docker', ['image', 'rm', '--force', ...ids]);
}

/** Runs a command in the directory of a deployment, as an operator does there. @throws Error if it fails */
export async function onHost(directory: string, script: string): Promise<string> {
  const { PATH, HOME, DOCKER_HOST } = process.env;
  const env = { PATH, HOME, ...(DOCKER_HOST !== undefined && { DOCKER_HOST }) };
  const shell = ['--norc', '-euo', 'pipefail', '-c', script];
  return (await run('bash', shell, { cwd: directory, env })).stdout;
}

/** Resolves once a script has said something. */
export async function hears(running: Running, what: RegExp): Promise<void> {
  await expect.poll(() => running.said(), { timeout: 60_000, interval: 20 }).toMatch(what);
}
