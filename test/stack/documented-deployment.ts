import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { copyRepository } from '#test/readme-blocks.ts';
import type { Aimock } from './aimock.ts';
import { startAimock } from './aimock.ts';
import type { Given, PrintedCommands } from './printed-commands.ts';
import { printedCommands, scriptOf } from './printed-commands.ts';

/** A server as the README sets one up with Docker, and the commands of a page that are run beside it. */
export interface DocumentedDeployment extends PrintedCommands {
  /** The key that the README's commands make. */
  readonly key: string;
  read(name: string): Promise<string>;
  write(name: string, text: string): Promise<void>;
  remove(): Promise<void>;
}

const SECRET_KEY = /sk-[0-9A-Za-z]{39}/;

/** Starts a server in a copy of the repository, with settings in its environment, and an upstream that answers. */
export async function startDocumented(page: string, settings: Given = {}): Promise<DocumentedDeployment> {
  const name = page.replace(/^docs\/(.*)\.md$/, '$1-docs');
  const image = `quota-proxy-test:${name}`;
  const upstream = await startAimock();
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  copyRepository(folder);
  await writeFile(join(folder, 'docker-compose.override.yml'), overrideOf(image, upstream));
  const commands = printedCommands(page, {
    folder,
    project: `${name}-test`,
    settings: {
      UPSTREAM_BASE_URL: upstream.baseUrl,
      UPSTREAM_API_KEY: 'sk-of-the-sponsor-0123456789',
      ...settings,
    },
  });
  const { run } = commands;

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
    ...commands,
    read: (file) => readFile(join(folder, file), 'utf8'),
    write: (file, text) => writeFile(join(folder, file), text),
    remove,
  };
}

/** The key in what a command printed. */
export function keyIn(said: string): string {
  const [key] = SECRET_KEY.exec(said) ?? [];
  expect(key, said).toBeDefined();
  return key ?? '';
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
