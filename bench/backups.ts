import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort, startServer } from './child.ts';
import type { Contestant } from './contestants.ts';
import { fillLedger } from './fill-ledger.ts';
import { gatewayEnv, startGateway } from './gateway.ts';
import type { Measurement } from './measure.ts';
import { measure } from './measure.ts';

const HELP = `Measures what a backup does to requests, and how long a restore takes.

  npm run bench:backups -- [--requests N] [--target s3://…]

  --requests  how many are in the ledger (default: 2100000, about a gigabyte)
  --target    a vault (default: a folder on this disk); S3_ENDPOINT and AWS_* are passed on
  --help      this text
`;

const ROOT = join(import.meta.dirname, '..');
const BUNDLE = join(ROOT, 'dist', 'quota-proxy.mjs');
/** Think time makes it a steady load of about 600 requests a second, which a small server knows well. */
const LOAD = { connections: 32, pauseMs: 50, stream: false, requestsMax: 1_000_000 } as const;
const QUIET_SECONDS = 20;
/** Replaying what was put into the ledger behind the server's back takes a while, once. */
const START_SECONDS_MAX = 300;

async function bench(requests: number, target: string | undefined): Promise<void> {
  execFileSync(process.execPath, ['build.mjs'], { cwd: ROOT, stdio: 'inherit' });
  mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
  const folder = mkdtempSync(join(import.meta.dirname, 'results', 'backups-'));
  mkdirSync(join(folder, 'vault'));
  const env = {
    BACKUP_TARGET: target ?? `file://${folder}/vault`,
    BACKUP_SCHEDULE: '0 0 1 1 *',
    ...passedOn(),
  };
  const upstreamPort = await freePort();
  const upstream = await startServer(
    {
      command: process.execPath,
      args: [join(import.meta.dirname, 'upstream.ts'), String(upstreamPort)],
      core: 'any',
    },
    upstreamPort,
  );
  const site = { upstreamPort, folder, core: 'any' as const, secondsMax: START_SECONDS_MAX };
  const adminToken = '4f1c9a7be2d8436590ab17ce5d3f8206';
  try {
    const empty = await startGateway({ ...site, adminToken });
    await empty.stop();
    fillLedger(join(folder, 'quota.db'), requests);
    const gateway = await startGateway({ ...site, adminToken, env });
    const report = await compare(gateway, adminToken);
    await gateway.stop();
    const bytes = statSync(join(folder, 'quota.db')).size;
    const restored = restore(folder, { ...gatewayEnv(folder), ...env });
    console.log(
      JSON.stringify({ requests, megabytes: Math.round(bytes / 1e6), ...report, restored }, null, 2),
    );
  } finally {
    await upstream.stop();
    rmSync(folder, { recursive: true });
  }
}

/** The first backup is made when the server starts: it is waited for, and another one is measured. */
async function compare(gateway: Contestant, adminToken: string) {
  await backUp(gateway.port, adminToken);
  const workload = { ...LOAD, port: gateway.port, secret: gateway.secret };
  await measure(gateway, { ...workload, secondsMax: 5 });
  const rounds: { quiet: Measurement; during: Measurement; backupMs: number }[] = [];
  for (let round = 0; round < 3; round += 1) {
    const quiet = await measure(gateway, { ...workload, secondsMax: QUIET_SECONDS });
    const made = backUp(gateway.port, adminToken);
    const during = await measure(gateway, { ...workload, secondsMax: QUIET_SECONDS });
    rounds.push({ quiet, during, backupMs: await made });
  }
  return {
    rounds: rounds.map(({ quiet, during, backupMs }) => ({
      requestsPerSecond: Math.round(quiet.requests / quiet.seconds),
      p99Ms: { quiet: quiet.p99Ms, during: during.p99Ms, ratio: during.p99Ms / quiet.p99Ms },
      longestMs: { quiet: quiet.maxMs, during: during.maxMs },
      failed: quiet.failed + during.failed,
      backupMs,
      peakMb: during.peakMb,
    })),
  };
}

/** Makes a backup and tells how long it took, in milliseconds. */
async function backUp(port: number, adminToken: string): Promise<number> {
  const startedMs = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}/admin/backups`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}` },
  });
  if (response.status !== 201) throw new Error(`POST /admin/backups: ${await response.text()}`);
  await response.body?.cancel();
  return performance.now() - startedMs;
}

function restore(folder: string, env: Record<string, string>): unknown {
  const args = [BUNDLE, 'restore', 'latest', '--to', join(folder, 'restored.db'), '--json'];
  return JSON.parse(
    execFileSync(process.execPath, args, { env: { PATH: process.env['PATH'], ...env } }).toString(),
  );
}

function passedOn(): Record<string, string> {
  const names = [
    'S3_ENDPOINT',
    'S3_REGION',
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'BACKUP_ENCRYPTION_KEY',
  ];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

const { values } = parseArgs({
  options: { requests: { type: 'string' }, target: { type: 'string' }, help: { type: 'boolean' } },
});
if (values.help) console.log(HELP);
else await bench(Number(values.requests ?? 2_100_000), values.target);
