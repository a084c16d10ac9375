import { standingsOf } from '#core/authorize.ts';
import type { BackupFigures, Figures } from '#core/metrics.ts';
import type { Instant } from '#core/model.ts';
import type { BackupStatus } from './backup/backups.ts';
import type { Route } from './route.ts';
import type { Services } from './services.ts';

type MetricsServices = Pick<
  Services,
  'metrics' | 'health' | 'keys' | 'applications' | 'backups' | 'clock' | 'calendar' | 'policy' | 'upstream'
>;

/** `GET /metrics` reads everything anew: nothing in it is older than the answer. */
export function metricsRoutes(services: MetricsServices): readonly Route[] {
  const { metrics } = services;
  async function handle(): Promise<Response> {
    const text = await metrics.text(await figuresOf(services));
    return new Response(text, {
      headers: { 'content-type': metrics.contentType, 'cache-control': 'no-store' },
    });
  }
  return [{ method: 'GET', path: '/metrics', access: 'metrics', handle }];
}

/** @throws StoreUnavailable */
async function figuresOf(services: MetricsServices): Promise<Figures> {
  const { health, keys, applications, backups, clock, calendar, policy, upstream } = services;
  const now = clock.now();
  const store = await health.status();
  const { quotas, buckets } = await keys.sponsor();
  const status = await backups?.status(now);
  return {
    version: policy.version,
    store,
    applicationsPending: policy.applications && (await applications.pending(now)),
    sponsor: standingsOf(quotas, buckets, now, calendar),
    upstreams: upstream.standings(),
    backups: status === undefined ? null : backupFigures(status, now),
  };
}

function backupFigures(status: BackupStatus, now: Instant): BackupFigures {
  const { snapshot, shipped, drill } = status.state ?? NOTHING_YET;
  return {
    last: snapshot && { at: snapshot.at, ageMs: now - snapshot.at },
    unshipped: shipped && { rows: status.unshippedRows, waitedMs: status.unshippedMs },
    drill: drill && {
      at: drill.at,
      ageMs: now - drill.at,
      durationMs: drill.durationMs,
      ok: drill.problems.length === 0,
    },
    tasks: Object.entries(status.counts).map(([task, { done, failed }]) => {
      const failing = status.troubles.some((trouble) => trouble.task === task);
      return { task, done, failed, failing };
    }),
  };
}

const NOTHING_YET = { snapshot: null, shipped: null, drill: null };
