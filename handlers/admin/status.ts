import type { Instant, Sponsor } from '#core/model.ts';
import type { StoreStatus } from '#core/ports.ts';
import type { PriceBook } from '#core/price.ts';
import type { UpstreamStanding } from '#core/upstreams.ts';
import { noticedView } from '../access/tell-noticed.ts';
import type { BackupStatus } from '../backup/backups.ts';
import { troubleNameOf } from '../proxy/watched-upstream.ts';
import type { Services } from '../services.ts';
import type { Trouble, Troubles } from '../troubles.ts';
import type { Implementation } from './contract/action.ts';
import type { Contract } from './contract.ts';

export type StatusServices = Pick<
  Services,
  | 'health'
  | 'keys'
  | 'prices'
  | 'applications'
  | 'clock'
  | 'calendar'
  | 'policy'
  | 'backups'
  | 'access'
  | 'troubles'
  | 'upstream'
>;

/** How the proxy is. Up since these actions were made. */
export function statusActions({
  health,
  keys,
  prices,
  applications,
  clock,
  calendar,
  policy,
  backups,
  access,
  troubles,
  upstream,
}: StatusServices): Implementation<Contract['status']> {
  const startedMs = clock.elapsedMs();
  return {
    async get({ at }) {
      const store = await health.status();
      const backup = (await backups?.status(at)) ?? null;
      return {
        version: policy.version,
        now: at,
        uptime_ms: Math.floor(clock.elapsedMs() - startedMs),
        time_zone: calendar.timeZone,
        ...upstreamViews(upstream.standings(), troubles),
        store: {
          engine: store.engine,
          version: store.version,
          path: store.path,
          size_bytes: store.sizeBytes,
          wal_bytes: store.walBytes,
          disk_free_bytes: store.diskFreeBytes,
        },
        keys: store.keys,
        entries: store.entries,
        ledger: {
          days: policy.ledgerDays,
          removed_entries: store.removedEntries,
          removed_until: store.removedUntil,
          oldest_at: store.oldestAt,
        },
        open_reservations: store.openReservations,
        applications: policy.applications && { pending: await applications.pending(at) },
        backup: backup && backupView(backup, at),
        abnormal_access: access.noticed().map(noticedView),
        troubles: troubles.all().map((trouble) => ({ ...trouble })),
        warnings: [
          ...troubles.all().map(({ message }) => message),
          ...policy.warnings,
          ...priceWarnings(prices, await keys.sponsor()),
          ...storeWarnings(store),
          ...(backup === null ? [] : warningsOf(backup, at)),
        ],
      };
    },
  };
}

/** Each, the most preferred first; `upstream` is that one, as there was when there could be one only. */
function upstreamViews(standings: readonly UpstreamStanding[], troubles: Troubles) {
  const upstreams = standings.map(({ terms, breaker, inFlight, waiting }) => ({
    name: terms.name,
    base_url: terms.baseUrl,
    priority: terms.priority,
    weight: terms.weight,
    breaker,
    in_flight: inFlight,
    max_concurrency: terms.maxConcurrency,
    waiting,
    trouble: troubleView(troubles.of(troubleNameOf(terms))),
  }));
  const { base_url = '', trouble = null } = upstreams[0] ?? {};
  return { upstream: { base_url, trouble }, upstreams };
}

function troubleView(trouble: Trouble | undefined) {
  return trouble === undefined ? null : { since: trouble.since, message: trouble.message };
}

/** A key is told that its model has no price; that no model has one, for anybody, is for the operator. */
function priceWarnings(prices: PriceBook, { quotas }: Sponsor): readonly string[] {
  if (prices.table() !== null || !quotas.some(({ meter }) => meter === 'cost')) return [];
  return [
    'The quota of cost over all keys refuses every request, as no model has a price: set PRICES_FILE, or take it away with quota-proxy sponsor set.',
  ];
}

// Four times what the log may grow to between two checkpoints; a backup leaves as much free.
const FREE_BYTES_LOW = 64 * 1024 * 1024;

// Beyond what a backup of a few gigabytes leaves behind under load, and a quarter of where requests are refused.
const LOG_BYTES_LONG = 256 * 1024 * 1024;

function storeWarnings({ path, diskFreeBytes, walBytes }: StoreStatus): readonly string[] {
  const warnings: string[] = [];
  if (diskFreeBytes < FREE_BYTES_LOW) {
    const free = (diskFreeBytes / 1e6).toFixed(1);
    warnings.push(`The disk of ${path} is nearly full: ${free} MB are free. Make room there.`);
  }
  if (walBytes > LOG_BYTES_LONG) {
    const size = (walBytes / 1e6).toFixed(0);
    warnings.push(
      `The log ${path}-wal has ${size} MB and grows as long as another program reads ${path}: end that one (fuser ${path} shows who).`,
    );
  }
  return warnings;
}

function backupView(
  { location, lineage, recipient, state, abilities, troubles, ...rows }: BackupStatus,
  at: Instant,
) {
  const { snapshot, drill, shipped } = state ?? NOTHING_YET;
  return {
    location,
    lineage: lineage.id,
    encrypted: recipient !== null,
    last: snapshot && { id: snapshot.id, at: snapshot.at, age_ms: at - snapshot.at },
    segment: shipped?.segment ?? 0,
    unshipped_rows: rows.unshippedRows,
    unshipped_ms: rows.unshippedMs,
    drill: drill && {
      id: drill.snapshotId,
      at: drill.at,
      age_ms: at - drill.at,
      ok: drill.problems.length === 0,
      duration_ms: drill.durationMs,
    },
    vault: abilities && { conditional_writes: abilities.conditionalWrites, deletes: abilities.deletes },
    troubles: troubles.map((trouble) => ({ ...trouble })),
  };
}

const NOTHING_YET = { snapshot: null, drill: null, shipped: null };

// Ten times what the rows wait as a rule: the vault is slow, or away.
const UNSHIPPED_MS_MAX = 20_000;

/** What the operator should know of the backups, in words. */
function warningsOf({ state, troubles, unshippedMs }: BackupStatus, at: Instant): string[] {
  const warnings = troubles.map(({ task, at: since, message }) => {
    return `The ${task} failed at ${new Date(since).toISOString()}: ${message}`;
  });
  const [problem] = state?.drill?.problems ?? [];
  if (problem !== undefined) warnings.push(`Backup ${state?.drill?.snapshotId} does not restore: ${problem}`);
  if ((state?.snapshot ?? null) === null && troubles.length === 0) warnings.push('There is no backup yet.');
  if (unshippedMs > UNSHIPPED_MS_MAX) {
    warnings.push(`What was recorded in the last ${Math.round(unshippedMs / 1000)} s is in no backup yet.`);
  }
  const newest = state?.snapshot?.at ?? at;
  if (newest > at) warnings.push('The newest backup lies in the future: the clock was set back.');
  return warnings;
}
