import { openMetrics } from '#adapters/prometheus/open-metrics.ts';
import type { SqliteStore } from '#adapters/sqlite/open-sqlite.ts';
import { secretsUnder } from '#adapters/system/secrets-under.ts';
import { systemClock } from '#adapters/system/system-clock.ts';
import { systemIds } from '#adapters/system/system-ids.ts';
import { observers } from '#core/observers.ts';
import { calendarOf } from '#core/window.ts';
import { tellNoticed } from '#handlers/access/tell-noticed.ts';
import { watchAccess } from '#handlers/access/watch-access.ts';
import { type App, createApp } from '#handlers/app.ts';
import type { Backups } from '#handlers/backup/backups.ts';
import { createGuards } from '#handlers/guards.ts';
import { routedUpstream } from '#handlers/proxy/routed-upstream.ts';
import type { Policy, Services } from '#handlers/services.ts';
import { watchTroubles } from '#handlers/troubles.ts';
import { openRestoreParts, openSnapshotSource } from './compose-backups.ts';
import { openLogOf, openTracerOf, openWebhookOf } from './compose-observers.ts';
import type { VaultRestored } from './compose-restore.ts';
import type { OpenedStore } from './compose-store.ts';
import { fractionOf, openConnections } from './compose-upstreams.ts';
import type { Config } from './config.ts';
import { ConfigError } from './config-error.ts';
import { memoryBytes } from './memory-bytes.ts';
import { openPriceBook } from './price-book.ts';
import { memoryWarnings } from './start-refused.ts';
import { trustWarnings } from './trust-warnings.ts';
import { onlyUpstream } from './upstreams-file.ts';
import { VERSION } from './version.ts';

/** All parts, put together and open. */
export interface House {
  readonly app: App;
  readonly services: Services;
  /** Whether the built-in demo upstream answers. */
  readonly demo: boolean;
  /** The admin token, if this start made it. */
  readonly adminTokenMade: string | null;
  /** Reads again what may change while it serves: the prices. */
  reload(): void;
  /** Ends every exchange with the upstream; those under way fail as `aborted`. */
  abort(): Promise<void>;
  /** Lets go of everything; what was asked of the store before is done. */
  close(): Promise<void>;
}

/**
 * Opens the upstream and the log that `config` describes, and puts the app on top of them and of the store, which is
 * closed with the house, or if there can be none. What not every server has is loaded where it is opened.
 * @throws ConfigError
 */
export async function compose(config: Config, { store, restored }: OpenedStore): Promise<House> {
  await using parts = new AsyncDisposableStack();
  parts.adopt(store, (opened) => opened.close());
  const calendar = calendarOf(config.timeZone);
  const pepper = await pepperOf(config, store);
  const secrets = secretsUnder(new TextEncoder().encode(pepper));
  const tokens = await adminTokensOf(config);
  const log = openLogOf(config, tokens.all, pepper);
  const demo =
    config.upstreams.length === 0 ? parts.adopt(await startDemo(), (started) => started.close()) : null;
  const configured = demo === null ? config.upstreams : [onlyUpstream(demo.baseUrl, null)];
  const connections = parts.adopt(openConnections(configured, config), (opened) => opened.close());

  if (restored !== null) tellRestored(log, restored);
  const metrics = openMetrics();
  const webhook = parts.adopt(await openWebhookOf(config, log), async (opened) => opened?.close());
  const access = watchAccess({
    ...store,
    ...{ clock: systemClock, calendar, limits: config.abnormal },
    tell: tellNoticed({ observer: log, metrics, webhook }),
  });
  const observer = observers([log, metrics, access]);
  const tools = { clock: systemClock, ids: systemIds, secrets, observer };
  const backups = await openBackups(config, store, tools);
  const policy = policyOf(config, tokens.all);
  const prices = openPriceBook(config.prices, config.pricesPath, log);
  const tracer = await openTracerOf(config, tools);
  const troubles = watchTroubles(tools);
  const watches = { access, webhook, troubles, metrics, tracer, guards: createGuards(config) };
  const draw = () => fractionOf(systemIds.random(4));
  const upstream = routedUpstream(connections.given, { clock: systemClock, troubles, draw });
  const terms = { calendar, policy, prices };
  const services: Services = { ...store, ...tools, ...watches, ...terms, upstream, backups };
  const app = createApp(services);
  const open = parts.move();
  return {
    app,
    services,
    demo: demo !== null,
    adminTokenMade: tokens.made,
    reload: prices.reload,
    abort() {
      upstream.stop();
      return connections.close();
    },
    async close() {
      await open.disposeAsync();
      await tracer?.close();
      await log.close();
    },
  };
}

function tellRestored(log: Pick<Services['observer'], 'noticed'>, restored: VaultRestored): void {
  const { backupId, asOf, segments, mark } = restored;
  log.noticed('There was no database: the newest backup was restored.', {
    backup_id: backupId,
    as_of: new Date(asOf).toISOString(),
    segments,
    entries: mark.ledgerN,
  });
}

async function openBackups(
  config: Config,
  store: SqliteStore,
  tools: Pick<Services, 'clock' | 'ids' | 'secrets' | 'observer'>,
): Promise<Backups | null> {
  if (config.backup === null) return null;
  const { createBackups } = await import('#handlers/backup/backups.ts');
  const { jobRunner } = await import('./job-thread.ts');
  const runJob = jobRunner({ givesWay: true });
  const parts = {
    ...(await openRestoreParts(config, config.backup, runJob)),
    ...tools,
    history: store.history,
    source: openSnapshotSource(config.storePath, runJob),
    operations: store.operations,
    version: VERSION,
    timeZone: config.timeZone,
    async databaseBytes() {
      const { sizeBytes, walBytes } = await store.health.status();
      return sizeBytes + walBytes;
    },
  };
  return createBackups(parts, { ...config.backup, calendar: calendarOf(config.timeZone) });
}

/** A new pepper for a database with keys would authenticate nobody, and hide that the old one is lost. */
async function pepperOf({ pepper, pepperPath }: Config, store: SqliteStore): Promise<string> {
  if (pepper !== null) return pepper;
  const { keptSecret, makeSecret } = await import('#adapters/system/secret-file.ts');
  const kept = keptSecret(pepperPath);
  if (kept !== undefined) return kept;
  const { keys, path } = await store.health.status();
  if (keys > 0) {
    throw new ConfigError([
      `${pepperPath} is missing, and without it none of the ${keys} keys in ${path} works: ` +
        'put the file back, or set KEY_PEPPER or KEY_PEPPER_FILE',
    ]);
  }
  return makeSecret(pepperPath);
}

async function adminTokensOf({ adminTokens, adminTokenPath }: Config) {
  if (adminTokens.length > 0) return { all: adminTokens, made: null };
  const { keptSecret, makeSecret } = await import('#adapters/system/secret-file.ts');
  const kept = keptSecret(adminTokenPath);
  if (kept !== undefined) return { all: [kept], made: null };
  const made = makeSecret(adminTokenPath);
  return { all: [made], made };
}

async function startDemo() {
  const { startDemoUpstream } = await import('#adapters/demo/start-demo-upstream.ts');
  return startDemoUpstream(systemClock);
}

function policyOf(config: Config, adminTokens: readonly string[]): Policy {
  const warnings: string[] = [...memoryWarnings(memoryBytes())];
  if (config.upstreams.length === 0)
    warnings.push('The built-in demo upstream answers: set UPSTREAM_API_KEY.');
  if (config.backup === null) warnings.push('No backups are made: set BACKUP_TARGET.');
  else if (config.backup.identity === null) {
    warnings.push(
      'Backups are not encrypted: set BACKUP_ENCRYPTION_KEY (quota-proxy backup keygen makes one).',
    );
  }
  warnings.push(...trustWarnings(config.trustedProxies));
  return {
    version: VERSION,
    upstreamCheck: config.upstreamCheck && config.upstreams.length > 0,
    adminTokens,
    metricsTokens: config.metricsTokens,
    adminAddresses: config.adminAddresses,
    corsOrigins: config.corsOrigins,
    keyPrefix: config.keyPrefix,
    keyExpiryDays: config.keyExpiryDays,
    dailyRequestLimit: config.dailyRequestLimit,
    requestsPerMinute: config.requestsPerMinute,
    operationLog: config.operationLog,
    applications: config.applications,
    applicationsDays: config.applicationsDays,
    ledgerDays: config.ledgerDays,
    bodyBytesMax: config.bodyBytesMax,
    exchangeMsMax: config.exchangeMsMax,
    warnings,
  };
}
