import type { Manifest } from '#core/backup.ts';
import { manifestName, nextSnapshotId, snapshotName } from '#core/backup.ts';
import type { Instant } from '#core/model.ts';
import type { BackupState, SnapshotFacts } from '#core/snapshot.ts';
import type { Exclusive } from '../mutex.ts';
import { type BackupParts, pepperCheckOf } from './backup-parts.ts';
import { withChecksum } from './checked-text.ts';
import { checkClaim, claimedState } from './claim.ts';
import { recordLine } from './records.ts';
import { recovered, shipRows } from './ship.ts';

/** The copy and, for a moment beside it, what is made of it, which may be hardly smaller. */
const SPOOLED_TIMES = 2;

/**
 * Copies the database, reads the copy whole, seals it, puts it into the vault and, when it is certain to be there as it
 * was made, its manifest. Until then nothing that was there before is touched. What is remembered of the vault changes
 * in `exclusive` alone.
 * @throws Fenced, VaultFailure, CopyBroken, SpoolFull
 */
export async function backUp(parts: BackupParts, at: Instant, exclusive: Exclusive): Promise<Manifest> {
  const { spool, vault, sealer, source, history } = parts;
  // What got there without our knowing is before this copy: its segment may be sealed for the key before this one.
  const { shipped, snapshot } = await exclusive(async () =>
    recovered(parts, await history.lineage(), await claimedState(parts)),
  );
  const folder = await spool.open('backup', SPOOLED_TIMES * (await parts.databaseBytes()));
  try {
    const copy = folder.pathOf('quota.db');
    const facts = await source.copy(copy);
    const { plain, sealed } = await sealer.sealFile(copy, folder.pathOf('sealed'));
    await folder.remove('quota.db');
    const id = nextSnapshotId(at, snapshot);
    const object = { name: snapshotName(facts.lineage.id, id, sealer.suffix), ...sizeOf(sealed) };
    await vault.putFile(object.name, sealed);
    // What is shipped from here on may be in the copy, or not.
    const segment = { number: shipped?.segment ?? 0, sha256: shipped?.sha256 ?? '' };
    const made = { ...describe(parts, facts, at), id, database: sizeOf(plain), object, segment };
    return await exclusive(() => publish(parts, made, at));
  } finally {
    await folder.close();
  }
}

type Unpublished = Omit<Manifest, 'shippedThrough'>;

/**
 * A snapshot counts once the rows before it are in the vault, too: so it is certain that nobody else goes on with this
 * history there.
 */
async function publish(parts: BackupParts, made: Unpublished, at: Instant): Promise<Manifest> {
  const { vault, history } = parts;
  await shipRows(parts, at);
  const state = await claimedState(parts);
  await checkClaim(parts, made.lineage, state);
  const manifest: Manifest = { ...made, shippedThrough: state.shipped?.segment ?? 0 };
  const { bytes, sha256: checksum } = await withChecksum(recordLine('manifest', manifest));
  await vault.put(manifestName(made.lineage.id, made.id), bytes);
  const first = { segment: 0, sha256: checksum, mark: made.mark, cutAt: at };
  const next: BackupState = {
    ...state,
    shipped: state.shipped ?? first,
    snapshot: { id: made.id, at, recipient: made.recipient },
  };
  await history.rememberBackup(vault.location, next);
  return manifest;
}

function describe({ secrets, version, timeZone, sealer }: BackupParts, facts: SnapshotFacts, at: Instant) {
  const { lineage, schema, mark, tables } = facts;
  const pepperCheck = pepperCheckOf(secrets);
  const { recipient } = sealer;
  return { lineage, schema, mark, tables, createdAt: at, version, timeZone, recipient, pepperCheck };
}

function sizeOf({ bytes, sha256 }: { readonly bytes: number; readonly sha256: string }) {
  return { bytes, sha256 };
}
