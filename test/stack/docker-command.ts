import { execFile } from 'node:child_process';
import { REPOSITORY } from './docker.ts';

/** How a command ended, and what it printed. */
export interface Ran {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the `docker` command in the repository, with nothing of this environment but how to reach the engine. */
export function docker(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ran> {
  const { PATH = '', HOME = '', DOCKER_HOST } = process.env;
  const host = DOCKER_HOST === undefined ? {} : { DOCKER_HOST };
  return new Promise((resolve) => {
    execFile(
      'docker',
      args,
      { cwd: REPOSITORY, env: { PATH, HOME, ...host, ...env } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr }),
    );
  });
}
