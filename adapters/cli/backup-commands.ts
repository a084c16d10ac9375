import type { Command } from 'commander';
import type { BackupView } from '#handlers/admin/backups.ts';
import { CommandFailed } from './command-failed.ts';
import { given, wholeNumber } from './option-values.ts';
import { print, printPage, printText, sizeText, spanText, timeText } from './print.ts';
import type { Row } from './table.ts';

interface Json {
  readonly json?: true;
}

interface ListOptions extends Json {
  readonly limit?: number;
  readonly cursor?: string;
}

/** `backup now`, `list`, `drill`, `kit`, `keygen`. */
export function addBackupCommands(program: Command, exitWith: (code: number) => void): void {
  const backup = program.command('backup').description('make backups, look at them, rehearse their restore');
  addNow(backup);
  addList(backup);
  addDrill(backup, exitWith);
  backup
    .command('kit')
    .description('print what is needed to restore on a bare machine, to be kept on paper or elsewhere')
    .option('--secrets', 'with the pepper and the encryption key: whoever has these has the keys')
    .option('--json', 'print JSON')
    .action(async ({ secrets, json }: Json & { secrets?: true }) => {
      const { backupKit, kitText } = await import('./backup-kit.ts');
      const kit = await backupKit(secrets === true);
      printText(json, kit, () => kitText(kit));
    });
  backup
    .command('keygen')
    .description('make a secret key for BACKUP_ENCRYPTION_KEY')
    .option('--json', 'print JSON')
    .action(async ({ json }: Json) => {
      const { makeEncryptionKey } = await import('#adapters/container/compose-backups.ts');
      const { identity, recipient } = await makeEncryptionKey();
      printText(json, { identity, recipient }, () => `# public key: ${recipient}\n${identity}\n`);
    });
}

function addNow(backup: Command): void {
  backup
    .command('now')
    .description('make a backup now; with --to, a copy of the database in a file instead')
    .option(
      '--to <file>',
      'a new file: a copy that was checked, made beside a running server, without a vault',
    )
    .option('--json', 'print JSON')
    .action(async ({ to, json }: Json & { to?: string }) => {
      if (to !== undefined) {
        const { copyTo } = await import('./copy-to.ts');
        const copied = await copyTo(to);
        print(json, copied, () => fieldsOf(copied));
        return;
      }
      const { connect } = await import('./connect.ts');
      const made = await connect().backups.create();
      print(json, made, () => [rowOf(made)]);
    });
}

function addList(backup: Command): void {
  backup
    .command('list')
    .description('list the backups in the vault, newest first')
    .option('--limit <n>', 'at most so many (default: 50)', wholeNumber)
    .option('--cursor <cursor>', 'go on where the list before ended')
    .option('--json', 'print JSON')
    .action(async ({ json, ...query }: ListOptions) => {
      const { connect } = await import('./connect.ts');
      const client = connect();
      const list = await client.backups.list({ query: given(query) });
      printPage(json, list, rowOf);
      const { warnings } = await client.status.get();
      for (const line of [...list.problems, ...warnings]) process.stderr.write(`quota-proxy: ${line}\n`);
    });
}

function addDrill(backup: Command, exitWith: (code: number) => void): void {
  backup
    .command('drill')
    .description('restore a backup beside the database, check the copy, and throw it away')
    .argument('[id]', 'the backup (default: the newest)')
    .option('--json', 'print JSON')
    .action(async (id: string | undefined, { json }: Json) => {
      const { connect } = await import('./connect.ts');
      const client = connect();
      const chosen = id ?? (await client.backups.list()).items[0]?.id;
      if (chosen === undefined) throw new CommandFailed('There is no backup yet: make one with backup now');
      const result = await client.backups.drill({ params: { id: chosen } });
      print(json, result, () => [
        {
          backup: chosen,
          restores: result.ok ? 'yes' : 'NO',
          took: spanText(result.duration_ms),
          segments: result.segments,
        },
      ]);
      for (const problem of result.problems) process.stderr.write(`quota-proxy: ${problem}\n`);
      exitWith(result.ok ? 0 : 1);
    });
}

function rowOf(backup: BackupView): Row {
  const { drill } = backup;
  return {
    id: backup.id,
    made: timeText(backup.created_at),
    age: spanText(backup.age_ms),
    database: sizeText(backup.bytes),
    stored: sizeText(backup.stored_bytes),
    entries: backup.entries,
    encrypted: backup.encrypted ? 'yes' : 'no',
    verified: backup.verified ? 'yes' : 'NO',
    drilled:
      drill === null ? 'not yet' : `${drill.ok ? 'restores' : 'DOES NOT RESTORE'}, ${timeText(drill.at)}`,
  };
}

function fieldsOf(fields: Readonly<Record<string, string | number>>): readonly Row[] {
  return Object.entries(fields).map(([field, value]) => ({ field: field.replaceAll('_', ' '), value }));
}
