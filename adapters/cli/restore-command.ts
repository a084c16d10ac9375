import type { Command } from 'commander';
import type { RestoreTarget } from '#core/backup.ts';
import { WrongUsage } from './command-failed.ts';
import { instant } from './option-values.ts';
import { print, sizeText, timeText } from './print.ts';
import type { Row } from './table.ts';

interface RestoreCommandOptions {
  readonly at?: number;
  readonly to?: string;
  readonly from?: string;
  readonly force?: true;
  readonly json?: true;
}

/** `restore`: the one command for the worst day. It reads the vault itself: no server runs. */
export function addRestoreCommand(program: Command): void {
  program
    .command('restore')
    .description('restore the database from the vault; the server must be stopped')
    .argument('[backup]', "latest: as new as there is; or a backup's id: as it was then")
    .option(
      '--at <time>',
      'as it was at this time, such as 2026-11-25T08:30:00Z (within the last 24 hours)',
      instant,
    )
    .option('--from <file>', 'a copy that backup now --to made, instead of the vault')
    .option('--to <file>', 'into a new file, and leave the database as it is')
    .option('--force', 'move the database that is there aside, and keep it')
    .option('--json', 'print JSON')
    .action(async (backup: string | undefined, options: RestoreCommandOptions) => {
      const { restoreFrom } = await import('./restore-from.ts');
      const source = sourceOf(backup, options);
      const restored = await restoreFrom(source, { to: options.to ?? null, force: options.force === true });
      print(options.json, restored, () => rowsOf(restored));
    });
}

/** A file, or what of the vault. */
export type RestoreSource = { readonly file: string } | { readonly target: RestoreTarget };

/** What was restored, for a person or a script. */
export interface RestoredView {
  readonly restored_to: string;
  /** Where the database that was there is kept; `null` if there was none. */
  readonly kept_aside: string | null;
  readonly backup_id: string | null;
  /** The state is as of then, in milliseconds since 1970; `null` if the file does not say. */
  readonly as_of: number | null;
  readonly entries: number;
  readonly bytes: number;
  readonly duration_ms: number;
}

function sourceOf(backup: string | undefined, { at, from }: RestoreCommandOptions): RestoreSource {
  const given = [backup, at, from].filter((each) => each !== undefined);
  if (given.length !== 1) {
    throw new WrongUsage(
      'Name one thing to restore: latest, the id of a backup, --at a time, or --from a file',
    );
  }
  if (from !== undefined) return { file: from };
  if (at !== undefined) return { target: { kind: 'instant', at } };
  if (backup === 'latest') return { target: { kind: 'latest' } };
  if (/^\d{8}T\d{6}Z$/.test(backup ?? '')) return { target: { kind: 'snapshot', id: backup ?? '' } };
  throw new WrongUsage(`${backup} is neither latest nor the id of a backup, such as 20261125T083716Z`);
}

function rowsOf({
  restored_to,
  kept_aside,
  as_of,
  entries,
  bytes,
  duration_ms,
}: RestoredView): readonly Row[] {
  const fields: Readonly<Record<string, string | number | null>> = {
    'restored to': restored_to,
    'as of': as_of === null ? 'the making of the file' : timeText(as_of),
    entries,
    size: sizeText(bytes),
    took: `${(duration_ms / 1000).toFixed(1)} s`,
    'the database before is kept in': kept_aside ?? 'there was none',
  };
  return Object.entries(fields).map(([field, value]) => ({ field, value }));
}
