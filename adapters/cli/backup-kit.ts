import { keptPepper, publicKeyOf } from '#adapters/container/compose-backups.ts';
import { readToolConfig, type ToolConfig } from '#adapters/container/config.ts';
import { ConfigError } from '#adapters/container/config-error.ts';
import { VERSION } from '#adapters/container/version.ts';

type Backup = NonNullable<ToolConfig['backup']>;

/** What somebody needs who has nothing but this text, the vault, and the secrets. @throws ConfigError without a vault */
export async function backupKit(withSecrets: boolean): Promise<string> {
  const config = readToolConfig();
  const { backup } = config;
  if (backup === null) throw new ConfigError(['BACKUP_TARGET is not set: there is nothing to restore from']);
  const recipient = await publicKeyOf(backup);
  const pepper = withSecrets ? await keptPepper(config.pepper, config.pepperPath) : undefined;
  const shown = { pepper: pepper ?? BLANK, identity: withSecrets ? backup.identity : BLANK };
  const parts = [
    `quota-proxy emergency kit (version ${VERSION})\nKeep it where neither this server nor the backups are.`,
    section('1. Where the backups are', placeOf(backup, withSecrets)),
    section('2. The secrets', secretsIn(config, recipient, shown)),
    section('3. Restore on a new machine', RESTORE),
    section('4. Without this program', byHand(backup)),
  ];
  return `${parts.join('\n\n')}\n`;
}

function section(title: string, lines: readonly string[]): string {
  return [title, ...lines.map((line) => `   ${line}`.trimEnd())].join('\n');
}

function placeOf({ target }: Backup, withSecrets: boolean): readonly string[] {
  if (target.kind === 'directory') return [`BACKUP_TARGET=file://${target.path}`];
  const { bucket, prefix, endpoint, region, forcePathStyle, credentials } = target;
  return [
    `BACKUP_TARGET=s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`,
    ...(endpoint === null ? [] : [`S3_ENDPOINT=${endpoint}`]),
    ...(region === null ? [] : [`S3_REGION=${region}`]),
    ...(forcePathStyle === null ? [] : [`S3_FORCE_PATH_STYLE=${forcePathStyle}`]),
    ...(credentials === null
      ? ['Credentials: those of the machine. Note how to get others.']
      : [
          `AWS_ACCESS_KEY_ID=${credentials.accessKeyId}`,
          `AWS_SECRET_ACCESS_KEY=${withSecrets ? credentials.secretAccessKey : BLANK}`,
        ]),
  ];
}

const BLANK = '________________________________________________________';

interface Shown {
  readonly pepper: string;
  readonly identity: string | null;
}

function secretsIn(
  { pepper, pepperPath }: ToolConfig,
  recipient: string | null,
  shown: Shown,
): readonly string[] {
  const encryption =
    recipient === null
      ? ['The backups are not encrypted: whoever can read the vault can read them.']
      : [
          'Without the encryption key nobody can read a backup.',
          `BACKUP_ENCRYPTION_KEY=${shown.identity}`,
          `(the one whose public key is ${recipient})`,
        ];
  const blanks = 'Fill in what is blank by hand, or print this with: quota-proxy backup kit --secrets';
  return [
    'The pepper is in no backup. Without it every key that was handed out must be made anew.',
    `KEY_PEPPER=${shown.pepper}`,
    pepper === null ? `(now in ${pepperPath})` : '(now in KEY_PEPPER or KEY_PEPPER_FILE)',
    '',
    ...encryption,
    ...(shown.pepper === BLANK ? ['', blanks] : []),
  ];
}

const RESTORE = [
  'Get the repository, and put the lines above into .env, beside ADMIN_TOKEN and UPSTREAM_API_KEY. Then:',
  '',
  'docker compose run --rm quota-proxy quota-proxy restore latest',
  'docker compose up -d --wait',
  'docker compose exec quota-proxy quota-proxy doctor',
];

function byHand({ identity }: Backup): readonly string[] {
  const open = identity === null ? '' : 'age -d -i key.txt | ';
  return [
    'A snapshot is an SQLite database, compressed by zstd' +
      (identity === null ? '.' : ' and encrypted by age.'),
    'Take the newest *.db.* below snapshots/, with the encryption key in key.txt:',
    '',
    `cat 20261125T083716Z.db.zst${identity === null ? '' : '.age'} | ${open}zstd -d > quota.db`,
    'sqlite3 quota.db "PRAGMA integrity_check; SELECT * FROM balances"',
    '',
    'What came after it is in segments/, opened in the same way: JSON lines, each with its number.',
  ];
}
