import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { BENCH_PEPPER } from './bench-key.ts';
import { freePort, type RunningServer, startServer } from './child.ts';
import type { Contestant } from './contestants.ts';
import { daysFilled, fillGrowth, type Growth } from './fill-growth.ts';
import { startGateway } from './gateway.ts';
import { measure, peakMb } from './measure.ts';
import { readSlowly } from './slow-readers.ts';
import type { Workload } from './workload.ts';

const HELP = `Measures what growth costs: keys, rows of the ledger, a month's report, a start, slow readers.

  npm run bench:growth -- [--quick]

  --quick     a hundredth of the rows: shows that it works, and little more
  --help      this text
`;

const ROOT = join(import.meta.dirname, '..');
const ADMIN_TOKEN = '4f1c9a7be2d8436590ab17ce5d3f8206';
const START_SECONDS_MAX = 120;
/** How often a start and a report are timed: the least is what the machine can do when nobody disturbs it. */
const TIMES = 5;

const FULL = { keys: 1_000_000, requests: 5_000_000, active: 50_000, seconds: 20, readers: 1000 };
const QUICK = { keys: 10_000, requests: 50_000, active: 500, seconds: 2, readers: 200 };
const FEW_KEYS = 1000;

interface Surroundings {
  readonly folder: string;
  readonly upstreamPort: number;
  readonly seconds: number;
}

async function bench(sizes: typeof FULL): Promise<void> {
  execFileSync(process.execPath, ['build.mjs'], { cwd: ROOT, stdio: 'inherit' });
  const results = join(import.meta.dirname, 'results');
  mkdirSync(results, { recursive: true });
  const upstreamPort = await freePort();
  const upstream = await startServer(script('upstream.ts', upstreamPort), upstreamPort);
  const now = Date.now();
  const grown: object[] = [];
  const active = Math.min(FEW_KEYS, sizes.active);
  try {
    for (const growth of [
      { keys: FEW_KEYS, active, requests: 0 },
      { keys: sizes.keys, active: sizes.active, requests: 0 },
      { keys: FEW_KEYS, active, requests: sizes.requests },
      { keys: sizes.keys, active: sizes.active, requests: sizes.requests },
    ]) {
      const folder = mkdtempSync(join(results, 'growth-'));
      try {
        const measured = await measureGrowth(growth, { folder, upstreamPort, seconds: sizes.seconds }, now);
        grown.push({ keys: growth.keys, rows: growth.requests * 2, ...measured });
        console.log(JSON.stringify(grown.at(-1)));
      } finally {
        rmSync(folder, { recursive: true });
      }
    }
  } finally {
    await upstream.stop();
  }
  const slowReaders = await measureSlowReaders(results, sizes.readers, sizes.seconds);
  const report = { cpu: cpus()[0]?.model, grown, slowReaders };
  writeFileSync(join(results, `growth-${now}.json`), JSON.stringify(report, null, 2));
  console.log(JSON.stringify(report, null, 2));
}

async function measureGrowth(growth: Growth, { folder, upstreamPort, seconds }: Surroundings, now: number) {
  const path = join(folder, 'quota.db');
  const start = (env: Record<string, string> = {}) =>
    startGateway({
      ...{ folder, upstreamPort, adminToken: ADMIN_TOKEN, secondsMax: START_SECONDS_MAX },
      env: { KEY_PEPPER: BENCH_PEPPER, ...env },
    });
  await (await start()).stop();
  const fillMs = await timed(async () => fillGrowth(path, growth, now));
  const startMs: number[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    const begunMs = performance.now();
    const started = await start();
    startMs.push(performance.now() - begunMs);
    await started.stop();
  }
  const load = { keys: growth.active, stream: false, connections: 64, requestsMax: 100_000_000 };
  const { busy, reportMs } = await served(await start(), async (gateway) => {
    const workload = { ...load, port: gateway.port, secret: gateway.secret };
    const report = reporter(gateway, now);
    const first = await report('key');
    await measure(gateway, { ...workload, secondsMax: Math.min(5, seconds) });
    const measured = await measure(gateway, { ...workload, secondsMax: seconds });
    const loaded = await report('key');
    return {
      busy: measured,
      reportMs: { first: Math.round(first), loaded: Math.round(loaded), ...(await leastOf(report)) },
    };
  });
  const retention = growth.requests === 0 ? null : await measureRetention(start, load, seconds);
  return {
    megabytes: Math.round(statSync(path).size / 1e6),
    fillSeconds: Math.round(fillMs / 1000),
    startMs: least(startMs),
    cpuMicrosPerRequest: round(busy.cpuMicros / busy.requests),
    requestsPerSecond: Math.round(busy.requests / busy.seconds),
    p99Ms: round(busy.p99Ms),
    failed: busy.failed,
    peakMb: Math.round(busy.peakMb),
    reportMs,
    retention,
  };
}

/** Does something with a server, and stops it however that ends. */
async function served<T>(server: Contestant, work: (server: Contestant) => Promise<T>): Promise<T> {
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

/** Times a report of the month that was filled, as an operator asks for it. */
function reporter({ port }: RunningServer, now: number): (groupBy: string) => Promise<number> {
  const { from, to } = daysFilled(now);
  return (groupBy) => timed(() => ask(port, `/admin/usage?from=${from}&to=${to}&group_by=${groupBy}`));
}

/** The least time of each report. */
async function leastOf(report: (groupBy: string) => Promise<number>): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const groupBy of ['key', 'model', 'day']) {
    const times: number[] = [];
    for (let time = 0; time < TIMES; time += 1) times.push(await report(groupBy));
    found[groupBy] = least(times);
  }
  return found;
}

/** Requests while old entries are removed as fast as they are, beside the same without. */
async function measureRetention(
  start: (env?: Record<string, string>) => Promise<Contestant>,
  load: Omit<Workload, 'port' | 'secret' | 'secondsMax'>,
  seconds: number,
) {
  const found: Record<string, object> = {};
  for (const [name, days] of [
    ['kept', '0'],
    ['removed', '32'],
  ] as const) {
    found[name] = await served(await start({ LEDGER_DAYS: days }), async (gateway) => {
      const { port, secret } = gateway;
      const before = await removedEntries(port);
      const steady = { ...load, port, secret, connections: 16, pauseMs: 50 };
      const run = await measure(gateway, { ...steady, secondsMax: seconds });
      const removed = (await removedEntries(port)) - before;
      return {
        p50Ms: round(run.p50Ms),
        p99Ms: round(run.p99Ms),
        maxMs: round(run.maxMs),
        entriesPerSecond: Math.round(removed / run.seconds),
      };
    });
  }
  return found;
}

async function removedEntries(port: number): Promise<number> {
  return JSON.parse(await ask(port, '/admin/status')).ledger.removed_entries;
}

/** The most memory that the server held, without anything to do and with so many streams that are read slowly. */
async function measureSlowReaders(results: string, readers: number, seconds: number) {
  const folder = mkdtempSync(join(results, 'growth-'));
  const upstreamPort = await freePort();
  const upstream = await startServer(script('fast-upstream.ts', upstreamPort), upstreamPort);
  try {
    return await served(
      await startGateway({
        ...{ folder, upstreamPort, adminToken: ADMIN_TOKEN },
        env: { MAX_CONNECTIONS: String(readers + 100) },
      }),
      async (gateway) => {
        await delay(1000);
        const idleMb = Math.round(peakMb(gateway.pid));
        const { bytes, lost } = await readSlowly(gateway.port, gateway.secret, readers, seconds);
        return {
          readers,
          idleMb,
          peakMb: Math.round(peakMb(gateway.pid)),
          readMegabytes: round(bytes / 1e6),
          lost,
        };
      },
    );
  } finally {
    await upstream.stop();
    rmSync(folder, { recursive: true });
  }
}

function script(file: string, port: number) {
  const args = [join(import.meta.dirname, file), String(port)];
  return { command: process.execPath, args, core: 'load' as const };
}

async function ask(port: number, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`GET ${path}: ${response.status} ${text}`);
  return text;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

function least(times: readonly number[]): number {
  return Math.round(Math.min(...times));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

const { values } = parseArgs({ options: { quick: { type: 'boolean' }, help: { type: 'boolean' } } });
if (values.help) console.log(HELP);
else await bench(values.quick ? QUICK : FULL);
