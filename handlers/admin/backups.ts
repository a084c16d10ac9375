import type * as z from 'zod';
import type { Manifest } from '#core/backup.ts';
import type { Instant } from '#core/model.ts';
import type { DrillRecord } from '#core/snapshot.ts';
import type { Backups } from '../backup/backups.ts';
import type { Cataloged } from '../backup/catalog.ts';
import { errorReply } from '../reply.ts';
import { drillDetails } from '../scheduled/perform.ts';
import type { Services } from '../services.ts';
import { backupFailure } from './backup-failure.ts';
import type { Implementation } from './contract/action.ts';
import type { Contract } from './contract.ts';

export type BackupServices = Pick<Services, 'backups' | 'operations' | 'observer'>;

/** A backup as the admin API shows it. */
export type BackupView = z.output<Contract['backups']['create']['reply']>;

/** Backups on demand. Each that is made or rehearsed here is in the operation log. */
export function backupActions(services: BackupServices): Implementation<Contract['backups']> {
  const { backups, operations, observer } = services;

  async function reply<T>(work: (backups: Backups) => Promise<T | Response>): Promise<T | Response> {
    if (backups === null) return switchedOff();
    try {
      return await work(backups);
    } catch (error) {
      return backupFailure(error, observer);
    }
  }

  return {
    create: ({ at, operation }) =>
      reply(async (given) => {
        const manifest = await given.backUp(at);
        const { id, database, mark } = manifest;
        const log = operation(id, { bytes: database.bytes, entries: mark.ledgerN });
        if (log !== null) await operations.append(log);
        return backupView({ manifest, verified: true, drill: null }, at);
      }),

    list: ({ query: { limit, cursor }, at }) =>
      reply(async (given) => {
        const { snapshots, problems } = await given.catalog();
        const { location } = await given.status(at);
        const rest = snapshots.filter(({ manifest }) => cursor === undefined || manifest.id < cursor);
        const items = rest.slice(0, limit).map((snapshot) => backupView(snapshot, at));
        const next_cursor = (rest.length > limit && items.at(-1)?.id) || null;
        return { location, items, next_cursor, problems: [...problems] };
      }),

    drill: ({ params, at, operation }) =>
      reply(async (given) => {
        const record = await given.drill(params.id, at);
        if (record === undefined) return backupNotFound();
        const log = operation(params.id, drillDetails(record));
        if (log !== null) await operations.append(log);
        return { id: params.id, ...drillView(record) };
      }),
  };
}

function backupView({ manifest, verified, drill }: Cataloged, at: Instant) {
  const { id, lineage, createdAt, database, object, mark, recipient }: Manifest = manifest;
  return {
    id,
    lineage: lineage.id,
    created_at: createdAt,
    age_ms: at - createdAt,
    bytes: database.bytes,
    stored_bytes: object.bytes,
    entries: mark.ledgerN,
    encrypted: recipient !== null,
    verified,
    drill: drill && drillView(drill),
  };
}

function drillView({ at, durationMs, segments, problems }: DrillRecord) {
  return { at, ok: problems.length === 0, duration_ms: durationMs, segments, problems: [...problems] };
}

function switchedOff(): Response {
  return errorReply({
    status: 409,
    type: 'invalid_request_error',
    code: 'backups_off',
    message:
      'No backups are made here: set BACKUP_TARGET to s3://bucket/prefix or file:///path, and start again.',
  });
}

function backupNotFound(): Response {
  return errorReply({
    status: 404,
    type: 'invalid_request_error',
    code: 'backup_not_found',
    message: 'There is no such backup. GET /admin/backups lists all.',
  });
}
