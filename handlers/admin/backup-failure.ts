import type { Observer } from '#core/observer.ts';
import { SealBroken } from '#core/sealer.ts';
import { CopyBroken } from '#core/snapshot.ts';
import { SpoolFull } from '#core/spool.ts';
import { VaultConflict, VaultFailure } from '#core/vault.ts';
import { RecordBroken } from '../backup/checked-text.ts';
import { Fenced } from '../backup/claim.ts';
import { errorReply } from '../reply.ts';

/** What may go wrong with a backup outside this program. These messages are for operators, and say what to do. */
const FORESEEN = [
  { of: Fenced, status: 409, code: 'backup_fenced' },
  { of: VaultConflict, status: 409, code: 'backup_conflict' },
  { of: VaultFailure, status: 502, code: 'vault_failed' },
  { of: SealBroken, status: 409, code: 'backup_other_key' },
  { of: CopyBroken, status: 500, code: 'copy_broken' },
  { of: RecordBroken, status: 502, code: 'vault_record_broken' },
  { of: SpoolFull, status: 507, code: 'spool_full' },
] as const;

/** What failed, as the admin API tells it. @throws what nobody foresaw */
export function backupFailure(error: unknown, observer: Observer): Response {
  const foreseen = FORESEEN.find(({ of }) => error instanceof of);
  if (foreseen === undefined || !(error instanceof Error)) throw error;
  observer.failed('A backup or drill failed.', error, { code: foreseen.code });
  const { status, code } = foreseen;
  return errorReply({ status, type: 'server_error', code, message: error.message });
}
