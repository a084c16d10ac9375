import type { Services } from '../services.ts';
import type { Implementation } from './contract/action.ts';
import type { Contract } from './contract.ts';

export type StatusServices = Pick<Services, 'health' | 'clock' | 'calendar' | 'policy'>;

/** How the proxy is. Up since these actions were made. */
export function statusActions({
  health,
  clock,
  calendar,
  policy,
}: StatusServices): Implementation<Contract['status']> {
  const startedMs = clock.elapsedMs();
  return {
    async get({ at }) {
      const store = await health.status();
      return {
        version: policy.version,
        now: at,
        uptime_ms: Math.floor(clock.elapsedMs() - startedMs),
        time_zone: calendar.timeZone,
        upstream: { base_url: policy.upstreamBaseUrl },
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
        open_reservations: store.openReservations,
        warnings: [...policy.warnings],
      };
    },
  };
}
