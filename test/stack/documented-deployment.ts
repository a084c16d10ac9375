import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { blocksOf, copyRepository } from '#test/readme-blocks.ts';
import type { Aimock } from './aimock.ts';
import { startAimock } from './aimock.ts';

export type Given = Readonly<Record<string, string>>;

/** A server as the README sets one up with Docker, and the commands of a page that are run beside it. */
export interface DocumentedDeployment {
  /** The key that the README's commands make. */
  readonly key: string;
  /** The script of the page's one block with this word. */
  block(word: string): string;
  /** Runs a script as an operator would, with variables that the page asks for. @throws if it fails */
  run(script: string, given?: Given): Promise<string>;
  read(name: string): Promise<string>;
  write(name: string, text: string): Promise<void>;
  /** The words of the page that no test has asked for yet. */
  leftOut(): readonly string[];
  remove(): Promise<void>;
}

const SECRET_KEY = /sk-[0-9A-Za-z]{39}/;

/** Starts a server in a copy of the repository, with settings in its environment, and an upstream that answers. */
export async function startDocumented(page: string, settings: Given = {}): Promise<DocumentedDeployment> {
  const blocks = blocksOf(page);
  const asked = new Set<string>();
  const name = page.replace(/^docs\/(.*)\.md$/, '$1-docs');
  const image = `quota-proxy-test:${name}`;
  const upstream = await startAimock();
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  copyRepository(folder);
  await writeFile(join(folder, 'docker-compose.override.yml'), overrideOf(image, upstream));

  async function run(script: string, given: Given = {}): Promise<string> {
    const { PATH, HOME, DOCKER_HOST } = process.env;
    const env = {
      PATH,
      HOME,
      ...(DOCKER_HOST !== undefined && { DOCKER_HOST }),
      UPSTREAM_BASE_URL: upstream.baseUrl,
      UPSTREAM_API_KEY: 'sk-of-the-sponsor-0123456789',
      // A name of its own, so that nothing of an operator on this machine is touched.
      COMPOSE_PROJECT_NAME: `${name}-test`,
      ...settings,
      ...given,
    };
    const shell = ['--norc', '-euo', 'pipefail', '-c', script];
    return (await promisify(execFile)('bash', shell, { cwd: folder, env })).stdout;
  }

  async function remove(): Promise<void> {
    await run('docker compose down --volumes --timeout 5');
    await run(`docker image rm ${image}`);
    await upstream.stop();
    await rm(folder, { recursive: true });
  }

  const started = await run(scriptOf('README.md', 'compose')).catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  return {
    key: keyIn(started),
    block(word) {
      asked.add(word);
      return scriptOf(page, word);
    },
    run,
    read: (file) => readFile(join(folder, file), 'utf8'),
    write: (file, text) => writeFile(join(folder, file), text),
    leftOut: () => blocks.map(({ by }) => by).filter((word) => word !== 'untested' && !asked.has(word)),
    remove,
  };
}

/** The key in what a command printed. */
export function keyIn(said: string): string {
  const [key] = SECRET_KEY.exec(said) ?? [];
  expect(key, said).toBeDefined();
  return key ?? '';
}

function scriptOf(page: string, word: string): string {
  const found = blocksOf(page).filter(({ by }) => by === word);
  expect(found, `${page}: ${word}`).toHaveLength(1);
  return found[0]?.script ?? 'false';
}

/** An image of the test's own, the network that the upstream is on, and a place for backups. */
function overrideOf(image: string, upstream: Aimock): string {
  return `
services:
  quota-proxy:
    image: ${image}
    tmpfs: [/backups]
networks:
  default:
    name: ${upstream.network}
    external: true
`;
}
