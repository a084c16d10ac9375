import type { Standing } from '#core/decision.ts';
import type { BackupFigures, Figures, TaskFigures } from '#core/metrics.ts';
import { upstreamFamilies } from './upstream-families.ts';

/** Samples under one name. A family without any is left out of the text. */
export interface Family {
  readonly type: 'gauge' | 'counter';
  /** In base units, the unit last: https://prometheus.io/docs/practices/naming/ */
  readonly name: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** The figures by their names, in seconds and bytes; what is not known has no sample. */
export function familiesOf(figures: Figures): readonly Family[] {
  const { version, store, applicationsPending, sponsor, upstreams, backups } = figures;
  return [
    gauge('build_info', 'What runs here; always 1.', [{ value: 1, labels: { version } }]),
    gauge('open_reservations', 'Requests under way whose amount is set aside.', one(store.openReservations)),
    gauge('keys', 'Keys that were ever made.', one(store.keys)),
    gauge('ledger_entries', 'Entries of the ledger that were ever recorded.', one(store.entries)),
    {
      type: 'counter',
      name: `${PREFIX}ledger_removed_entries_total`,
      help: 'How many of them were removed, because they were older than LEDGER_DAYS.',
      samples: one(store.removedEntries),
    },
    gauge(
      'ledger_oldest_timestamp_seconds',
      'When the oldest entry that is kept was recorded.',
      seconds(store.oldestAt ?? undefined),
    ),
    gauge('store_size_bytes', 'Size of the database file.', one(store.sizeBytes)),
    gauge('store_wal_bytes', 'Size of the write-ahead log.', one(store.walBytes)),
    gauge('disk_free_bytes', "Free space on the database's disk.", one(store.diskFreeBytes)),
    gauge(
      'applications_pending',
      'Applications for a key that wait for a decision.',
      one(applicationsPending),
    ),
    ...sponsorFamilies(sponsor),
    ...upstreamFamilies(upstreams).map((family) => ({ ...family, name: `${PREFIX}${family.name}` })),
    gauge('backup_enabled', 'Whether backups are made.', one(Number(backups !== null))),
    ...(backups === null ? [] : backupFamilies(backups)),
  ];
}

/** In the meter's own unit: a count, or micros. */
function sponsorFamilies(standings: readonly Standing[]): readonly Family[] {
  const each = (figure: (standing: Standing) => number) =>
    standings.map((standing) => {
      const { meter, period } = standing;
      return { value: figure(standing), labels: { meter, period } };
    });
  return [
    gauge(
      'sponsor_limit',
      'What all keys together may use in the period.',
      each(({ limit }) => limit),
    ),
    gauge(
      'sponsor_used',
      'What they used of it.',
      each(({ used }) => used),
    ),
    gauge(
      'sponsor_held',
      'What is set aside of it for requests under way.',
      each(({ held }) => held),
    ),
  ];
}

function backupFamilies({ last, unshipped, drill, tasks }: BackupFigures): readonly Family[] {
  return [
    ...runFamilies(tasks),
    gauge('backup_last_success_timestamp_seconds', 'When the newest backup was made.', seconds(last?.at)),
    gauge('backup_age_seconds', 'Age of the newest backup.', seconds(last?.ageMs)),
    gauge('backup_unshipped_rows', 'Recorded rows that are in no backup yet.', one(unshipped?.rows)),
    gauge(
      'backup_unshipped_age_seconds',
      'How long the oldest of these rows has waited.',
      seconds(unshipped?.waitedMs),
    ),
    gauge('backup_drill_last_timestamp_seconds', 'When a restore was last rehearsed.', seconds(drill?.at)),
    gauge('backup_drill_age_seconds', 'Age of the last rehearsed restore.', seconds(drill?.ageMs)),
    gauge(
      'backup_drill_ok',
      'Whether the backup restored in the last rehearsal.',
      one(drill === null ? undefined : Number(drill.ok)),
    ),
    gauge('backup_drill_duration_seconds', 'How long the last rehearsal took.', seconds(drill?.durationMs)),
  ];
}

function runFamilies(tasks: readonly TaskFigures[]): readonly Family[] {
  return [
    {
      type: 'counter',
      name: `${PREFIX}backup_runs_total`,
      help: 'How often each task ended, and how, since this process began.',
      samples: tasks.flatMap(({ task, done, failed }) => [
        { value: done, labels: { task, outcome: 'done' } },
        { value: failed, labels: { task, outcome: 'failed' } },
      ]),
    },
    gauge(
      'backup_failing',
      'Whether the task failed the last time.',
      tasks.map(({ task, failing }) => ({ value: Number(failing), labels: { task } })),
    ),
  ];
}

const PREFIX = 'quota_proxy_';

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { type: 'gauge', name: `${PREFIX}${name}`, help, samples };
}

function one(value: number | null | undefined): readonly Sample[] {
  return typeof value !== 'number' ? [] : [{ value, labels: {} }];
}

function seconds(ms: number | undefined): readonly Sample[] {
  return one(ms === undefined ? undefined : ms / 1000);
}
