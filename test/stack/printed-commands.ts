import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { blocksOf } from '#test/readme-blocks.ts';

export type Given = Readonly<Record<string, string>>;

/** The commands of a page, run as an operator would paste them. */
export interface PrintedCommands {
  /** The script of the page's one block with this word. */
  block(word: string): string;
  /** Runs a script, with variables that the page asks for. @throws if it fails */
  run(script: string, given?: Given): Promise<string>;
  /** The words of the page that no test has asked for yet. */
  leftOut(): readonly string[];
}

/** What a page's commands are run in. */
export interface Surroundings {
  readonly folder: string;
  /** What Compose calls the deployment: of its own, so that nothing of an operator on this machine is touched. */
  readonly project: string;
  readonly settings?: Given;
}

export function printedCommands(
  page: string,
  { folder, project, settings = {} }: Surroundings,
): PrintedCommands {
  const asked = new Set<string>();
  return {
    block(word) {
      asked.add(word);
      return scriptOf(page, word);
    },
    async run(script, given = {}) {
      const { PATH, HOME, DOCKER_HOST } = process.env;
      const host = DOCKER_HOST === undefined ? {} : { DOCKER_HOST };
      const env = { PATH, HOME, ...host, COMPOSE_PROJECT_NAME: project, ...settings, ...given };
      const options = { cwd: folder, env, maxBuffer: 64 * 1024 * 1024 };
      const shell = ['--norc', '-euo', 'pipefail', '-c', script];
      return (await promisify(execFile)('bash', shell, options)).stdout;
    },
    leftOut() {
      const words = blocksOf(page).map(({ by }) => by);
      return words.filter((word) => word !== 'untested' && !asked.has(word));
    },
  };
}

/** The script of a page's one block with this word. */
export function scriptOf(page: string, word: string): string {
  const found = blocksOf(page).filter(({ by }) => by === word);
  expect(found, `${page}: ${word}`).toHaveLength(1);
  return found[0]?.script ?? 'false';
}
