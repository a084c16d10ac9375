import { elapsedMs, ownPepperCheck } from '#adapters/container/compose-backups.ts';
import type { RestorePlace, StoreRestored, VaultRestored } from '#adapters/container/compose-restore.ts';
import { restoreFile, restoreStore } from '#adapters/container/compose-restore.ts';
import { readToolConfig, type ToolConfig } from '#adapters/container/config.ts';
import { ConfigError } from '#adapters/container/config-error.ts';
import type { Manifest } from '#core/backup.ts';
import { timeText } from './print.ts';
import { progressBar } from './progress-bar.ts';
import type { RestoredView, RestoreSource } from './restore-command.ts';

export interface RestoreInto {
  readonly to: string | null;
  readonly force: boolean;
}

/** Restores, telling on standard error what is under way, and what is still to be done. */
export async function restoreFrom(source: RestoreSource, { to, force }: RestoreInto): Promise<RestoredView> {
  const config = readToolConfig();
  const place: RestorePlace = { storePath: config.storePath, timeZone: config.timeZone, file: to, force };
  if ('file' in source) return viewOf(await restoreFile(source.file, place, config.backup), null);
  if (config.backup === null) {
    throw new ConfigError([
      'BACKUP_TARGET is not set: set it to where the backups are, or restore --from a file',
    ]);
  }
  const bar = progressBar(process.stderr, elapsedMs);
  try {
    const restored = await restoreStore(config.backup, source.target, place, {
      onProgress: bar.update,
      onChosen: ({ id, createdAt, version }: Manifest) =>
        bar.say(`Restoring ${id}, made ${timeText(createdAt)} by version ${version}.`),
    });
    bar.end();
    await warnOfPepper(restored, config);
    return viewOf(restored, restored);
  } finally {
    bar.end();
  }
}

/** Without the pepper that its keys were made with, a database knows no key: better said now than found out then. */
async function warnOfPepper(
  { pepperCheck }: VaultRestored,
  { pepper, pepperPath }: ToolConfig,
): Promise<void> {
  const own = await ownPepperCheck(pepper, pepperPath);
  if (own === pepperCheck) return;
  const what = own === null ? `There is no pepper at ${pepperPath}` : 'The pepper here is another one';
  process.stderr.write(
    `${what}: no key of this backup works until the one that they were made with is back (${pepperPath}, KEY_PEPPER or KEY_PEPPER_FILE).\n`,
  );
}

function viewOf(restored: StoreRestored, vault: VaultRestored | null): RestoredView {
  return {
    restored_to: restored.path,
    kept_aside: restored.aside,
    backup_id: vault?.backupId ?? null,
    as_of: vault?.asOf ?? null,
    entries: restored.mark.ledgerN,
    bytes: restored.bytes,
    duration_ms: restored.durationMs,
  };
}
