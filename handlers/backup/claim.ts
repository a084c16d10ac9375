import type { Head } from '#core/backup.ts';
import { fencedBy, HEAD_NAME } from '#core/backup.ts';
import { type BackupState, type Lineage, NOTHING_SHIPPED } from '#core/snapshot.ts';
import type { Vault } from '#core/vault.ts';
import { VaultConflict } from '#core/vault.ts';
import type { BackupParts } from './backup-parts.ts';
import { readHead } from './catalog.ts';
import { withChecksum } from './checked-text.ts';
import { recordLine } from './records.ts';

/** This database must not write into the vault. Nothing was written. One line, with the way out. */
export class Fenced extends Error {
  override readonly name = 'Fenced';
}

/**
 * What the database remembers of the vault, once it is certain that the vault is its own: it is claimed where it
 * is nobody's, or that of the database in whose place this one was restored.
 * @throws Fenced, VaultFailure
 */
export async function claimedState(parts: BackupParts): Promise<BackupState> {
  const { history, vault, ids, clock } = parts;
  const lineage = await history.lineage();
  const known = await history.backupState(vault.location);
  const head = await readHead(vault);
  const why = fencedBy(head, lineage, known?.claim);
  if (why !== undefined) throw fence(vault.location, why);
  if (head?.lineage.id === lineage.id && known !== undefined) return known;

  const state = known ?? { ...NOTHING_SHIPPED, claim: ids.next() };
  // Remembered first: a claim that nobody remembers would fence off its own database.
  await history.rememberBackup(vault.location, state);
  const claim = { lineage, claim: state.claim, claimedAt: clock.now() };
  try {
    await (head === undefined ? putHead(vault, claim) : takeOver(vault, claim));
  } catch (error) {
    if (!(error instanceof VaultConflict)) throw error;
    throw fence(vault.location, 'another database claimed it at this moment');
  }
  return state;
}

/** Makes the vault that of a restored database, whosever it was. */
export async function takeOver(vault: Vault, head: Head): Promise<void> {
  await vault.replace(HEAD_NAME, (await withChecksum(recordLine('head', head))).bytes);
}

async function putHead(vault: Vault, head: Head): Promise<void> {
  await vault.put(HEAD_NAME, (await withChecksum(recordLine('head', head))).bytes);
}

/** @throws Fenced if the vault is another database's by now */
export async function checkClaim(
  { vault }: BackupParts,
  lineage: Lineage,
  state: BackupState,
): Promise<void> {
  const why = fencedBy(await readHead(vault), lineage, state.claim);
  if (why !== undefined) throw fence(vault.location, why);
}

export function fence(location: string, why: string): Fenced {
  return new Fenced(
    `No backups are made to ${location}: ${why}. Nothing was changed there. ` +
      'If this is the database to go on with, set BACKUP_TARGET to another prefix, or restore it in place; if not, stop this server.',
  );
}
