import { rowsBetween, segmentName } from '#core/backup.ts';
import type { Instant } from '#core/model.ts';
import { SealBroken, type Sealer } from '#core/sealer.ts';
import type { BackupState, Lineage, Mark, NewRows, Shipped } from '#core/snapshot.ts';
import { type Vault, VaultConflict } from '#core/vault.ts';
import type { BackupParts } from './backup-parts.ts';
import { RecordBroken, sha256Of } from './checked-text.ts';
import { checkClaim, fence } from './claim.ts';
import { type ReadSegment, readSegment, segmentText } from './segment-text.ts';

/** What the ledger's thread reads at once: longer would keep commits waiting. */
const READ_ROWS_MAX = 1000;
/** A segment in memory: about 5 MB of text, a tenth of that compressed. */
const SEGMENT_ROWS_MAX = 10_000;
/** Of the plain text. Details of a row are bounded far below a kilobyte; a key's lists may be longer. */
export const SEGMENT_BYTES_MAX = 256 * 1024 * 1024;

/**
 * Writes the rows that there are now and the vault does not have, segment after segment, and resolves with how many.
 * A segment that was written and not remembered, as after a crash, is recognised; one that somebody else wrote
 * fences this database off. Nothing is shipped before the first snapshot. @throws Fenced, VaultFailure
 */
export async function shipRows(parts: BackupParts, at: Instant): Promise<number> {
  const { history, vault } = parts;
  const lineage = await history.lineage();
  const remembered = await history.backupState(vault.location);
  const goal = await history.mark();
  if (remembered === undefined || remembered.shipped === null) return 0;
  if (remembered.pending === null && rowsBetween(remembered.shipped.mark, goal) === 0) return 0;
  await checkClaim(parts, lineage, remembered);
  let state = await recovered(parts, lineage, remembered);
  for (let rows = 0; ; ) {
    const { shipped } = state;
    const found = shipped && rowsBetween(shipped.mark, goal) > 0 && (await gather(parts, shipped.mark));
    if (!shipped || !found) {
      await history.rememberBackup(vault.location, state);
      return rows;
    }
    const { bytes, next } = await segmentAfter(shipped, lineage, found, at);
    const sealed = await parts.sealer.seal(bytes);
    const pending = { ...next, sealedSha256: await sha256Of(sealed) };
    await history.rememberBackup(vault.location, { ...state, pending });
    await putSegment(vault, segmentName(lineage.id, next.segment), sealed);
    state = { ...state, shipped: next };
    rows += rowsBetween(shipped.mark, next.mark);
  }
}

/** How many rows the vault does not have yet: before the first snapshot all that there are. */
export async function unshippedRows(
  { history }: BackupParts,
  state: BackupState | undefined,
): Promise<number> {
  return rowsBetween(state?.shipped?.mark ?? BEGINNING, await history.mark());
}

const BEGINNING: Mark = { ledgerN: 0, operationN: 0, keyChangeN: 0 };

async function segmentAfter(
  shipped: Shipped,
  { id: lineage }: Lineage,
  { text, through, sponsor }: NewRows,
  cutAt: Instant,
) {
  const number = shipped.segment + 1;
  const header = { lineage, number, previous: shipped.sha256, from: shipped.mark, through, cutAt, sponsor };
  const { bytes, sha256 } = await segmentText(header, text);
  const next: Shipped = { segment: number, sha256, mark: through, cutAt };
  return { bytes, next };
}

async function putSegment(vault: Vault, name: string, sealed: Uint8Array): Promise<void> {
  try {
    await vault.put(name, sealed);
  } catch (error) {
    if (error instanceof VaultConflict) throw fence(vault.location, `${name} there is another's`);
    throw error;
  }
}

/** The state after a put of which it is not known whether it reached the vault. @throws Fenced, RecordBroken, VaultFailure */
export async function recovered(
  parts: BackupParts,
  { id }: Lineage,
  state: BackupState,
): Promise<BackupState> {
  const { vault, sealer } = parts;
  if (state.pending === null) return state;
  const name = segmentName(id, state.pending.segment);
  const sealed = await vault.get(name, SEGMENT_BYTES_MAX);
  if (sealed === undefined) return { ...state, pending: null };
  const { sealedSha256, ...pending } = state.pending;
  // As it was put, it need not be opened: the key may be another one since.
  if ((await sha256Of(sealed)) !== sealedSha256) {
    const { sha256 } = await openSegment(sealer, sealed, name);
    if (sha256 !== pending.sha256) throw fence(vault.location, `${name} there is another's`);
  }
  return { ...state, shipped: pending, pending: null };
}

/** @throws RecordBroken which names it */
async function openSegment(sealer: Sealer, sealed: Uint8Array, name: string): Promise<ReadSegment> {
  const plain = await sealer.open(sealed, SEGMENT_BYTES_MAX).catch((error: unknown) => {
    if (!(error instanceof SealBroken)) throw error;
    throw new RecordBroken(`${name}: ${error.message}`, { cause: error });
  });
  return readSegment(plain, name);
}

/** Rows for one segment, read in parts. */
async function gather({ history }: BackupParts, from: Mark): Promise<NewRows | undefined> {
  let gathered: NewRows | undefined;
  const texts: string[] = [];
  for (let rows = 0; rows < SEGMENT_ROWS_MAX; ) {
    const part: NewRows | undefined = await history.rowsAfter(gathered?.through ?? from, READ_ROWS_MAX);
    if (part === undefined) break;
    texts.push(part.text);
    rows += part.rows;
    gathered = part;
    if (part.sponsor !== null) break;
  }
  return gathered && { ...gathered, text: texts.join('') };
}
