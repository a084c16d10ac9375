import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, startServer } from './child.ts';
import type { Contestant, Site } from './contestants.ts';

const ROOT = join(import.meta.dirname, '..');

/** What the holder of the key may do: everything, but all of it is counted. */
const QUOTAS = [
  { meter: 'requests', period: 'day', limit: 1_000_000_000 },
  { meter: 'tokens', period: 'day', limit: 1_000_000_000_000 },
];

/** Starts the bundle as the container does, on an empty database, and makes a key with day quotas. */
export async function startGateway({ upstreamPort, folder }: Site): Promise<Contestant> {
  const port = await freePort();
  const adminToken = randomBytes(24).toString('hex');
  const env = {
    NODE_ENV: 'production',
    NODE_OPTIONS: nodeOptionsOfImage(),
    ADMIN_TOKEN: adminToken,
    UPSTREAM_BASE_URL: `http://127.0.0.1:${upstreamPort}/v1`,
    UPSTREAM_API_KEY: 'sk-upstream',
    HOST: '127.0.0.1',
    PORT: String(port),
    STORE_PATH: join(folder, 'quota.db'),
    ENABLE_RATE_LIMIT: 'false',
    LOG_LEVEL: 'warn',
  };
  const args = [join(ROOT, 'dist', 'quota-proxy.mjs'), 'serve'];
  const server = await startServer({ command: process.execPath, args, env, core: 'server' }, port);
  return { ...server, secret: await createKey(port, adminToken) };
}

function nodeOptionsOfImage(): string {
  return /^ENV NODE_OPTIONS=(.*)$/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))?.[1] ?? '';
}

async function createKey(port: number, adminToken: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/admin/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ label: 'bench', quotas: QUOTAS }),
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`POST /admin/keys: ${response.status} ${text}`);
  return JSON.parse(text).key;
}
