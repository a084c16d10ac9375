import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, startServer } from './child.ts';
import type { Contestant, Site } from './contestants.ts';

const ROOT = join(import.meta.dirname, '..');

/** What the holder of the key may do: everything, but all of it is counted. */
const QUOTAS = [
  { meter: 'requests', period: 'day', limit: 1_000_000_000 },
  { meter: 'tokens', period: 'day', limit: 1_000_000_000_000 },
];

/** What may differ from the comparison with other servers. */
export interface GatewayOptions extends Site {
  readonly core?: 'server' | 'any';
  readonly secondsMax?: number;
  readonly adminToken?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the bundle as the container does, on the database in `folder`, and makes a key with day quotas. */
export async function startGateway(options: GatewayOptions): Promise<Contestant> {
  const { upstreamPort, folder, core = 'server', secondsMax } = options;
  const port = await freePort();
  const adminToken = options.adminToken ?? randomBytes(24).toString('hex');
  const env = {
    ...gatewayEnv(folder),
    NODE_OPTIONS: settingOfImage('NODE_OPTIONS'),
    MALLOC_ARENA_MAX: settingOfImage('MALLOC_ARENA_MAX'),
    // The image brings its own; here the first start after a build fills it.
    NODE_COMPILE_CACHE: join(ROOT, 'dist', 'compiled'),
    ADMIN_TOKEN: adminToken,
    UPSTREAM_BASE_URL: `http://127.0.0.1:${upstreamPort}/v1`,
    UPSTREAM_API_KEY: 'sk-upstream',
    UPSTREAM_CHECK: 'false',
    HOST: '127.0.0.1',
    PORT: String(port),
    ENABLE_RATE_LIMIT: 'false',
    LOG_LEVEL: 'warn',
    // The load opens all of its connections before it sends, beside that of the client that made the key.
    MAX_CONNECTIONS: '1024',
    ...options.env,
  };
  const args = [join(ROOT, 'dist', 'quota-proxy.mjs'), 'serve'];
  const server = await startServer({ command: process.execPath, args, env, core }, port, secondsMax);
  try {
    await untilAlive(port, secondsMax);
    return { ...server, secret: await createKey(port, adminToken) };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Where the database is, for the server and for commands beside it. */
export function gatewayEnv(folder: string): Record<string, string> {
  return { NODE_ENV: 'production', STORE_PATH: join(folder, 'quota.db') };
}

/** What the image sets on a line of its own. @throws Error if it does not */
function settingOfImage(name: string): string {
  const value = new RegExp(`^ENV ${name}=(.*)$`, 'm').exec(
    readFileSync(join(ROOT, 'Dockerfile'), 'utf8'),
  )?.[1];
  if (value === undefined) throw new Error(`the Dockerfile sets no ${name}`);
  return value;
}

/** Before it opens its database it tries out whether its port is free: what listens then is not the server yet. */
async function untilAlive(port: number, secondsMax = 10): Promise<void> {
  for (let attempt = 0; attempt < secondsMax * 50; attempt += 1) {
    const signal = AbortSignal.timeout(1000);
    const response = await fetch(`http://127.0.0.1:${port}/livez`, { signal }).catch(() => undefined);
    if (response?.ok) return;
    await delay(20);
  }
  throw new Error(`the gateway does not answer on port ${port}`);
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
