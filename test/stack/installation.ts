import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Aimock } from './aimock.ts';
import type { Operator, Ran } from './operator.ts';
import { onHost } from './operator.ts';

export const UPSTREAM_KEY = 'sk-of-the-sponsor-that-nobody-sees';
/** Runs, serves nothing, and ends when it is told to. */
export const HANGS = ['sh', '-c', 'trap exit TERM; sleep 600 & wait'];

/** A directory of the host that an operator deploys to, by ssh; what is in it, and how what runs there is doing. */
export interface Installation {
  /** The name of its directory, and so of its container, volume and images. */
  readonly name: string;
  readonly directory: string;
  /** The settings of a first `.env`: with the upstream's address, and the operator's port. */
  readonly envFile: string;
  /** What a script is told to get to it. */
  options(...more: readonly string[]): string[];
  deploy(...options: readonly string[]): Promise<Ran>;
  verify(): Promise<Ran>;
  /** Hands out a key, for `chat`. */
  handOutKey(): Promise<void>;
  /** The status of a chat completion by that key. */
  chat(): Promise<number>;
  /** How many requests the ledger has counted. */
  counted(): Promise<number>;
  env(): Promise<string>;
  current(): Promise<string>;
  releases(): Promise<string[]>;
  /** Expects that this release is the current one, verified, with nothing half-done beside it, and that it serves. */
  expectIntact(release: string, counted: number): Promise<void>;
}

export async function anInstallation(
  operator: Operator,
  upstream: Aimock,
  name: string,
): Promise<Installation> {
  const directory = join(operator.folder, name);
  const envFile = join(operator.folder, `${name}.env`);
  await writeFile(envFile, await settingsOf(operator, upstream));
  const quotaProxy = 'docker compose exec -T quota-proxy quota-proxy';
  const options = (...more: readonly string[]) => [...operator.sshd.options, '--dir', directory, ...more];
  let key = '';

  const installation: Installation = {
    name,
    directory,
    envFile,
    options,
    deploy: (...more) => operator.start('deploy.sh', options(...more)).ended,
    verify: () => operator.start('verify.sh', options()).ended,
    async handOutKey() {
      const made = await onHost(directory, `${quotaProxy} keys create --label Ada --json`);
      key = /sk-[0-9A-Za-z]{39}/.exec(made)?.[0] ?? '';
    },
    async chat() {
      const answer = await fetch(`http://127.0.0.1:${operator.port}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'deepseek-chat', messages: [{ role: 'user', content: 'Is it up?' }] }),
      });
      return answer.status;
    },
    async counted() {
      const settled = `SELECT count(*) FROM ledger WHERE kind = 'settled'`;
      const query = `docker compose exec -T quota-proxy sqlite3 /data/quota.db "${settled}"`;
      return Number(await onHost(directory, query));
    },
    env: () => readFile(join(directory, '.env'), 'utf8'),
    current: async () => (await readFile(join(directory, 'releases/current'), 'utf8')).trim(),
    releases: async () => {
      const names = await readdir(join(directory, 'releases'));
      return names.filter((each) => /^\d{8}T\d{6}Z$/.test(each)).sort();
    },
    async expectIntact(release, counted) {
      expect(await installation.current()).toBe(release);
      expect(await leftoversIn(directory)).toEqual([]);
      expect(crosses((await installation.verify()).stdout)).toEqual([]);
      expect(await installation.counted()).toBe(counted);
      expect(await installation.chat()).toBe(200);
    },
  };
  return installation;
}

async function settingsOf(operator: Operator, upstream: Aimock): Promise<string> {
  const gateway = await onHost('/', `docker network inspect bridge -f '{{(index .IPAM.Config 0).Gateway}}'`);
  return [
    'ADMIN_TOKEN=',
    `UPSTREAM_API_KEY=${UPSTREAM_KEY}`,
    `UPSTREAM_BASE_URL=http://${gateway.trim()}:${upstream.publishedPort}/v1`,
    `PUBLISHED_PORT=${operator.port}\n`,
  ].join('\n');
}

async function leftoversIn(directory: string): Promise<string[]> {
  const names = [...(await readdir(directory)), ...(await readdir(join(directory, 'releases')))];
  return names.filter((name) => /draft|switching|\.env\.\w{6}$/.test(name));
}

/** What verify.sh has found to be wrong. */
export function crosses(said: string): string[] {
  return [...said.matchAll(/^✗ (.*)$/gm)].map(([, what = '']) => what);
}
