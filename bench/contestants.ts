import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunningServer } from './child.ts';
import { freePort, startServer } from './child.ts';
import { startGateway } from './gateway.ts';

/** Where a server under test finds its upstream and may write. */
export interface Site {
  readonly upstreamPort: number;
  /** An empty folder, on a disk. */
  readonly folder: string;
}

export interface Contestant extends RunningServer {
  /** What a client has to show. */
  readonly secret: string;
}

export const CONTESTANTS = ['bare', 'gateway', 'nginx', 'stub'] as const;
export type ContestantName = (typeof CONTESTANTS)[number];

/** Starts a server under test in a process of its own. */
export function startContestant(name: ContestantName, site: Site): Promise<Contestant> {
  switch (name) {
    case 'bare':
      return startScript('bare-proxy.ts', [site.upstreamPort]);
    case 'gateway':
      return startGateway(site);
    case 'nginx':
      return startNginx(site);
    case 'stub':
      return startScript('upstream.ts', []);
  }
}

export const hasNginx = spawnSync('nginx', ['-v']).status === 0;

async function startScript(file: string, args: readonly number[]): Promise<Contestant> {
  const port = await freePort();
  const command = {
    command: process.execPath,
    args: [join(import.meta.dirname, file), port, ...args].map(String),
  };
  return { ...(await startServer({ ...command, core: 'server' }, port)), secret: 'sk-unread' };
}

/** One process without a master, so that its CPU is counted in one place. */
async function startNginx({ upstreamPort, folder }: Site): Promise<Contestant> {
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr error;
events { worker_connections 8192; }
http {
  access_log off;
  keepalive_requests 1000000000;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  upstream stub { server 127.0.0.1:${upstreamPort}; keepalive 512; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location / { proxy_pass http://stub; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`,
  );
  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'];
  return { ...(await startServer({ command: 'nginx', args, core: 'server' }, port)), secret: 'sk-unread' };
}
