import type { Instant } from '#core/model.ts';
import type { DrillRecord } from '#core/snapshot.ts';
import type { Backups } from '../backup/backups.ts';
import type { Services } from '../services.ts';
import { noticeStore } from '../store-trouble.ts';
import { expire } from './expire.ts';
import type { ForgetApplications } from './forget-applications.ts';
import type { Retain } from './retain.ts';
import type { Watch } from './watch.ts';

/** What a platform sends now and then, with the instant of sending. */
export interface Task {
  readonly kind: TaskKind;
  readonly at: Instant;
}

export type TaskKind = 'expire' | 'access' | 'backup' | 'segment' | 'drill' | 'prune' | 'watch' | 'retain';

export type ScheduledServices = Pick<
  Services,
  'ledger' | 'replies' | 'observer' | 'operations' | 'policy' | 'backups' | 'access' | 'troubles'
> & {
  readonly watch: Watch;
  readonly retain: Retain;
  readonly forgetApplications: ForgetApplications;
};

/**
 * Performs a task. One that is not due yet, or is about backups where none are made, is done at once; one that cannot
 * record is tried again the next time, and told like everything else that cannot.
 */
export async function perform(task: Task, services: ScheduledServices): Promise<void> {
  try {
    await performOnce(task, services);
  } catch (error) {
    if (!noticeStore(error, services.troubles)) throw error;
  }
}

async function performOnce({ kind, at }: Task, services: ScheduledServices): Promise<void> {
  const { backups } = services;
  switch (kind) {
    case 'expire':
      await expire(services, at);
      await services.replies.forget(at);
      return;
    case 'access':
      await services.access.lookAtDays(at);
      return;
    case 'backup':
      await backups?.backUpIfDue(at);
      return;
    case 'segment':
      await backups?.ship(at);
      return;
    case 'drill':
      if (backups !== null) await drill(backups, at, services);
      return;
    case 'prune':
      await backups?.prune(at);
      return;
    case 'watch':
      await services.watch(at);
      return;
    case 'retain':
      await services.retain(at);
      await services.forgetApplications(at);
      return;
    default:
      kind satisfies never;
  }
}

async function drill(
  backups: Backups,
  at: Instant,
  { operations, observer, policy }: ScheduledServices,
): Promise<void> {
  const record = await backups.drillIfDue(at);
  if (record === undefined) return;
  const details = drillDetails(record);
  if (policy.operationLog) {
    const target = record.snapshotId;
    await operations.append({ at, actor: 'schedule', action: 'backups.drill', target, details });
  }
  if (record.problems.length === 0) observer.noticed('A backup was restored in a drill.', details);
  else observer.failed('A backup does not restore.', new Error(record.problems[0]), details);
}

/** What the operation log and the log keep of a drill. */
export function drillDetails({ snapshotId, durationMs, segments, problems }: DrillRecord) {
  const ok = problems.length === 0;
  return { backup_id: snapshotId, ok, duration_ms: durationMs, segments, problems: [...problems] };
}
