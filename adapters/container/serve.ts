import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, relative } from 'node:path';
import { expire } from '#handlers/scheduled/expire.ts';
import { banner } from './banner.ts';
import type { House } from './compose.ts';
import { compose } from './compose.ts';
import type { Config } from './config.ts';
import { ownUrl } from './config.ts';
import { ConfigError } from './config-error.ts';
import type { Readiness } from './create-http-server.ts';
import { createHttpServer } from './create-http-server.ts';
import { demoKey } from './demo-key.ts';
import { drain } from './drain.ts';
import type { InFlight } from './in-flight.ts';
import { inFlight } from './in-flight.ts';
import { schedule } from './schedule.ts';
import { VERSION } from './version.ts';

/** What a crash left open is given up so soon after it lapsed. */
const EXPIRE_PAUSE_MS = 10_000;

/**
 * Serves until SIGTERM or SIGINT, then drains and resolves. A second signal ends the process at once.
 * @throws ConfigError, StoreRefused
 */
export async function serve(config: Config): Promise<void> {
  // From the first moment: a signal that comes while this starts must not end it half-way.
  const stop = stopSignal();
  const house = await compose(config);
  const { observer, clock } = house.services;
  const readiness: Readiness = { ready: true };
  const works = inFlight(observer);
  const server = createHttpServer(house.app, works, readiness);
  try {
    const url = await listen(server, config);
    const expiring = schedule(() => expire(house.services, clock.now()), EXPIRE_PAUSE_MS, observer);
    await announce(house, config, works, url);
    const signal = await stop;
    observer.noticed(`${signal} received`, {});
    const graceMs = config.drainTimeoutMs;
    await drain({ server, readiness, works, observer, graceMs, abort: house.abort });
    await expiring.stop();
    observer.noticed('stopped', {});
  } finally {
    await house.close();
  }
}

async function listen(server: Server, { host, port }: Config): Promise<string> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`HOST and PORT are '${host}' and '${port}', where nothing can listen: ${why}`]);
  }
  return ownUrl(host, (server.address() as AddressInfo).port);
}

async function announce(house: House, config: Config, works: InFlight, url: string): Promise<void> {
  const { observer, policy } = house.services;
  observer.noticed('listening', {
    url,
    version: VERSION,
    upstream: policy.upstreamBaseUrl,
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

/** The first signal asks to stop; the second does not ask. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let told = false;
    const onSignal = (signal: NodeJS.Signals) => {
      if (told) process.exit(1);
      told = true;
      resolve(signal);
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  });
}

/** How to call this program, to be pasted: in the image it is a command, from source npm brings the right Node. */
function ownCommand(): string {
  const path = process.argv[1] ?? '';
  if (path.endsWith('.ts')) return 'npm run -s cli --';
  return basename(path) === 'quota-proxy' ? 'quota-proxy' : `node ${relative(process.cwd(), path)}`;
}
