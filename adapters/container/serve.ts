import type { AddressInfo } from 'node:net';
import { basename, relative } from 'node:path';
import type { TaskKind } from '#handlers/scheduled/perform.ts';
import { banner } from './banner.ts';
import type { House } from './compose.ts';
import { compose } from './compose.ts';
import type { OpenedStore } from './compose-store.ts';
import type { Config } from './config.ts';
import { ownUrl } from './config.ts';
import type { Readiness } from './create-http-server.ts';
import { createHttpServer } from './create-http-server.ts';
import { demoKey } from './demo-key.ts';
import { drain, endsWithin } from './drain.ts';
import type { InFlight } from './in-flight.ts';
import { inFlight } from './in-flight.ts';
import { listen } from './listen.ts';
import type { Schedule } from './schedule.ts';
import { schedule } from './schedule.ts';
import { VERSION } from './version.ts';

/** How often each task is sent. Whether it is due is its own to say; what a crash left open is given up so soon. */
const PAUSES_MS: Readonly<Record<TaskKind, number>> = {
  expire: 10_000,
  access: 60_000,
  segment: 500,
  backup: 5_000,
  drill: 30_000,
  prune: 60 * 60_000,
  watch: 2_000,
  retain: 1_000,
};

/** What was recorded last is shipped before the end, if the vault takes it in so much time. */
const LAST_SHIPMENT_MS_MAX = 3_000;

/** Serves from a store until it is told to stop, then drains, closes the store, and resolves. @throws ConfigError */
export async function serve(
  config: Config,
  opened: OpenedStore,
  stop: Promise<NodeJS.Signals>,
): Promise<void> {
  const house = await compose(config, opened);
  const { observer } = house.services;
  const readiness: Readiness = { ready: true };
  const works = inFlight(observer);
  const server = createHttpServer(house.app, works, readiness, { ...config, onFull: onFull(house) });
  try {
    await listen(server, config);
    const url = ownUrl(config.host, (server.address() as AddressInfo).port);
    const timers = startTimers(house);
    // Without a file of prices there is nothing to read again, and closing the terminal ends the process as usual.
    if (config.pricesPath !== null) process.on('SIGHUP', house.reload);
    await announce(house, config, works, url);
    const signal = await stop;
    observer.noticed(`${signal} received`, {});
    const graceMs = config.drainTimeoutMs;
    await drain({ server, readiness, works, observer, graceMs, abort: house.abort });
    if (!(await endsWithin(LAST_SHIPMENT_MS_MAX, lastWork(house, timers)))) {
      observer.noticed(
        'What was recorded last is not in the backup yet: the vault did not answer in time.',
        {},
      );
    }
    observer.noticed('stopped', {});
  } finally {
    await house.close();
  }
}

const ALL_IN_USE =
  'All connections are in use, and new ones are refused: see who has them (ss -tn), or raise MAX_CONNECTIONS and the memory limit.';

/** Many are refused in one second, and an operator needs one line. */
const FULL_TOLD_EVERY_MS = 60_000;

function onFull({ services: { clock, observer } }: House): () => void {
  let toldMs = Number.NEGATIVE_INFINITY;
  let refused = 0;
  return () => {
    refused += 1;
    if (clock.elapsedMs() - toldMs < FULL_TOLD_EVERY_MS) return;
    observer.warned(ALL_IN_USE, { refused });
    toldMs = clock.elapsedMs();
    refused = 0;
  };
}

type Timers = Readonly<Record<TaskKind, Schedule>>;

function startTimers({ app, services }: House): Timers {
  const { clock, observer } = services;
  const timer = (kind: TaskKind) =>
    schedule(kind, () => app.scheduled({ kind, at: clock.now() }), PAUSES_MS[kind], observer);
  return {
    expire: timer('expire'),
    access: timer('access'),
    segment: timer('segment'),
    backup: timer('backup'),
    drill: timer('drill'),
    prune: timer('prune'),
    watch: timer('watch'),
    retain: timer('retain'),
  };
}

/** A backup or drill that is under way is not waited for: it begins anew at the next start. */
async function lastWork({ services }: House, timers: Timers): Promise<void> {
  const { backups, clock, observer } = services;
  const unfinished = [timers.access, timers.backup, timers.drill, timers.prune, timers.watch, timers.retain];
  for (const timer of unfinished) void timer.stop();
  await Promise.all([timers.expire.stop(), timers.segment.stop()]);
  await backups?.ship(clock.now(), 'all').catch((error: unknown) => {
    observer.failed('What was recorded last is not in the backup yet.', error, {});
  });
}

async function announce(house: House, config: Config, works: InFlight, url: string): Promise<void> {
  const { observer, upstream } = house.services;
  observer.noticed('listening', {
    url,
    version: VERSION,
    upstream: [...new Set(upstream.all.map(({ terms }) => terms.baseUrl))].join(', '),
    demo: house.demo,
  });
  const demoKeyMade = house.demo ? await demoKey(house, works) : null;
  // For a person, beside the log on standard output, and never in the log of a deployment.
  if (config.production) return;
  const { demo, adminTokenMade } = house;
  process.stderr.write(
    banner({ url, version: VERSION, command: ownCommand(), config, demo, adminTokenMade, demoKeyMade }),
  );
}

/** How to call this program, to be pasted: in the image it is a command, from source npm brings the right Node. */
function ownCommand(): string {
  const path = process.argv[1] ?? '';
  if (path.endsWith('.ts')) return 'npm run -s cli --';
  return basename(path) === 'quota-proxy' ? 'quota-proxy' : `node ${relative(process.cwd(), path)}`;
}
