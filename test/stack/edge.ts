import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { Agent, fetch } from 'undici';
import { expect, vi } from 'vitest';
import type { AdminClient } from '#handlers/admin/client.ts';
import { createAdminClient } from '#handlers/admin/client.ts';
import { ADMIN_TOKEN, REPOSITORY } from './docker.ts';
import { CADDY_IMAGE, NGINX_IMAGE } from './images.ts';

/** The image of quota-proxy that stands behind the edges; the suite that uses them builds it. */
export const IMAGE = 'quota-proxy-test:proxies';
const NODE_IMAGE = 'node:26-trixie-slim';
/** As a client calls it, whatever port it is reached at. */
export const DOMAIN = 'localhost';

export type EdgeName = 'caddy' | 'nginx';

interface Example {
  readonly image: string;
  readonly config: string;
  /** Puts the certificate where the example reads it, if it does not make its own. */
  prepare(folder: string): Promise<void>;
  /** The certificate to trust. */
  certificate(edge: Pick<Edge, 'compose' | 'folder'>): Promise<string>;
}

const EXAMPLES: Readonly<Record<EdgeName, Example>> = {
  caddy: {
    image: CADDY_IMAGE,
    config: 'Caddyfile',
    prepare: async () => {},
    // For localhost Caddy is its own authority.
    certificate: ({ compose }) =>
      vi.waitFor(
        () => compose('exec', '-T', 'caddy', 'cat', '/data/caddy/pki/authorities/local/root.crt'),
        WAIT,
      ),
  },
  nginx: {
    image: NGINX_IMAGE,
    config: 'nginx.conf',
    async prepare(folder) {
      await mkdir(join(folder, 'nginx/tls'));
      const ask =
        '-x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost';
      const files = '-keyout nginx/tls/privkey.pem -out nginx/tls/fullchain.pem';
      await promisify(execFile)('openssl', ['req', ...ask.split(' '), ...files.split(' ')], { cwd: folder });
    },
    certificate: ({ folder }) => readFile(join(folder, 'nginx/tls/fullchain.pem'), 'utf8'),
  },
};

export const WAIT = { timeout: 30_000, interval: 50 };

/** A row of /proc/net/tcp: to port 8787, and open on both sides. */
const TO_QUOTA_PROXY = /^ *\d+: \S+ \S+:2253 01 /;

/** quota-proxy behind one of the examples, as docs/reverse-proxies.md has an operator set it up. */
export interface Edge {
  readonly folder: string;
  readonly baseUrl: string;
  /** quota-proxy's own port: the edge shows no admin API. */
  readonly admin: AdminClient;
  /** Through the edge, over TLS that is checked. */
  fetch(path: string, init?: Parameters<typeof fetch>[1]): ReturnType<typeof fetch>;
  /** Sends a request line that no client would let through, and resolves with what came back. */
  raw(requestLine: string, token: string): Promise<string>;
  /** What the upstream says to a question of the test's. */
  upstream(path: '/open' | '/waiting'): Promise<number>;
  /** Runs a program beside the edge, in a container with an address of its own. */
  beside(program: string, ...args: readonly string[]): Promise<string>;
  /** How many connections the edge has to quota-proxy. */
  connections(): Promise<number>;
  compose(...args: readonly string[]): Promise<string>;
  /** Runs the example with another configuration from now on. */
  reconfigure(change: (config: string) => string): Promise<void>;
  down(): Promise<void>;
}

/** Copies the example as the page says, and starts it; only what must differ on a shared machine is overridden. */
export async function startEdge(name: EdgeName): Promise<Edge> {
  const example = EXAMPLES[name];
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  await cp(join(REPOSITORY, 'docker-compose.yml'), join(folder, 'docker-compose.yml'));
  await cp(join(REPOSITORY, 'docs/examples', name), join(folder, name), { recursive: true });
  await writeFile(join(folder, 'test.yml'), overrideOf(name, example.image));
  await example.prepare(folder);
  const compose: Edge['compose'] = async (...args) => {
    const { PATH, HOME, DOCKER_HOST } = process.env;
    const host = DOCKER_HOST === undefined ? {} : { DOCKER_HOST };
    const env = { PATH, HOME, ...host, ...settingsOf(name) };
    return (await promisify(execFile)('docker', ['compose', ...args], { cwd: folder, env })).stdout;
  };
  const portOf = async (service: string, port: number) =>
    Number((await compose('port', service, String(port))).trim().split(':').at(-1));

  await compose('up', '--detach', '--wait');
  const ca = await example.certificate({ compose, folder });
  const dispatcher = new Agent({ connect: { ca }, allowH2: false });
  let port = await portOf(name, 443);
  const upstreamPort = await portOf('upstream', 4010);
  const ownUrl = `http://127.0.0.1:${await portOf('quota-proxy', 8787)}`;
  const edge: Edge = {
    folder,
    get baseUrl() {
      return `https://${DOMAIN}:${port}`;
    },
    admin: createAdminClient({ baseUrl: ownUrl, token: ADMIN_TOKEN, fetch: globalThis.fetch }),
    fetch: (path, init = {}) => fetch(new URL(path, edge.baseUrl), { ...init, dispatcher }),
    raw: (requestLine, token) =>
      raw(port, ca, [requestLine, `Host: ${DOMAIN}`, `Authorization: Bearer ${token}`]),
    async upstream(path) {
      const reply = await fetch(`http://127.0.0.1:${upstreamPort}${path}`, { method: 'POST' });
      return Number(await reply.text());
    },
    beside: (program, ...args) =>
      compose('exec', '-T', '-e', `CA=${ca}`, 'client', 'node', '-e', program, ...args),
    async connections() {
      const table = await compose('exec', '-T', name, 'cat', '/proc/net/tcp', '/proc/net/tcp6');
      return table.split('\n').filter((row) => TO_QUOTA_PROXY.test(row)).length;
    },
    compose,
    async reconfigure(change) {
      const path = join(folder, name, example.config);
      const config = await readFile(path, 'utf8');
      const changed = change(config);
      expect(changed).not.toBe(config);
      await writeFile(path, changed);
      await compose('restart', '--timeout', '1', name);
      port = await portOf(name, 443);
      await vi.waitFor(async () => expect((await edge.fetch('/healthz')).status).toBe(200), WAIT);
    },
    async down() {
      await dispatcher.destroy();
      await compose('down', '--volumes', '--timeout', '5');
      await rm(folder, { recursive: true });
    },
  };
  await vi.waitFor(async () => expect((await edge.fetch('/healthz')).status).toBe(200), WAIT);
  return edge;
}

function settingsOf(name: EdgeName): Readonly<Record<string, string>> {
  return {
    COMPOSE_PROJECT_NAME: `proxies-test-${name}`,
    COMPOSE_FILE: `docker-compose.yml:${name}/compose.yml:test.yml`,
    DOMAIN,
    ADMIN_TOKEN,
    UPSTREAM_BASE_URL: 'http://upstream:4010/v1',
    UPSTREAM_API_KEY: 'sk-upstream-key-of-the-stack',
    ENABLE_RATE_LIMIT: 'false',
    DAILY_REQ_LIMIT: '0',
  };
}

/** Ports of this run's own, an upstream that waits to be told, and a place to ask from. */
function overrideOf(name: EdgeName, image: string): string {
  return `
services:
  quota-proxy:
    image: ${IMAGE}
    build: !reset null
    ports: !override ["127.0.0.1::8787"]
  ${name}:
    image: ${image}
    ports: !override ["127.0.0.1::443"]
  upstream:
    image: ${NODE_IMAGE}
    init: true
    command: [node, /repository/test/stack/gated-upstream.ts]
    volumes: ["${REPOSITORY}:/repository:ro"]
    ports: ["127.0.0.1::4010"]
  client:
    image: ${NODE_IMAGE}
    init: true
    command: [sleep, infinity]
`;
}

async function raw(port: number, ca: string, lines: readonly string[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', servername: DOMAIN, ca });
  let text = '';
  socket.on('data', (bytes) => (text += bytes.toString('latin1')));
  socket.on('error', () => {}); // reset: an answer, too
  socket.write([...lines, 'Connection: close', '', ''].join('\r\n'), 'latin1');
  await new Promise((resolve) => socket.on('close', resolve));
  return text;
}
