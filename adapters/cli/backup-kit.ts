import { keptPepper, publicKeyOf } from '#adapters/container/compose-backups.ts';
import { readToolConfig, type ToolConfig } from '#adapters/container/config.ts';
import { ConfigError } from '#adapters/container/config-error.ts';
import { VERSION } from '#adapters/container/version.ts';

type Backup = NonNullable<ToolConfig['backup']>;

/** What somebody needs who has nothing but this, the vault, and the secrets. */
export interface BackupKit {
  readonly version: string;
  /** For `.env` of the new machine; `null`: a secret, to be filled in. */
  readonly settings: Readonly<Record<string, string | null>>;
  /** Where the pepper is now; `null`: in the settings. */
  readonly pepper_path: string | null;
  /** The public key of the backups; `null`: they are not encrypted. */
  readonly recipient: string | null;
  readonly restore: readonly string[];
}

/** The kit of this environment. @throws ConfigError without a vault */
export async function backupKit(withSecrets: boolean): Promise<BackupKit> {
  const config = readToolConfig();
  const { backup } = config;
  if (backup === null) throw new ConfigError(['BACKUP_TARGET is not set: there is nothing to restore from']);
  const pepper = withSecrets ? await keptPepper(config.pepper, config.pepperPath) : undefined;
  return {
    version: VERSION,
    settings: {
      ...placeOf(backup, withSecrets),
      QUOTA_TIMEZONE: config.timeZone,
      KEY_PEPPER: pepper ?? null,
      ...(backup.identity !== null && { BACKUP_ENCRYPTION_KEY: withSecrets ? backup.identity : null }),
    },
    pepper_path: config.pepper === null ? config.pepperPath : null,
    recipient: await publicKeyOf(backup),
    restore: RESTORE,
  };
}

function placeOf({ target }: Backup, withSecrets: boolean): BackupKit['settings'] {
  if (target.kind === 'directory') return { BACKUP_TARGET: `file://${target.path}` };
  const { bucket, prefix, endpoint, region, forcePathStyle, credentials } = target;
  return {
    BACKUP_TARGET: `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`,
    ...(endpoint !== null && { S3_ENDPOINT: endpoint }),
    ...(region !== null && { S3_REGION: region }),
    ...(forcePathStyle !== null && { S3_FORCE_PATH_STYLE: String(forcePathStyle) }),
    ...(credentials !== null && {
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: withSecrets ? credentials.secretAccessKey : null,
    }),
  };
}

const BLANK = '________________________________________________________';

/** The kit on paper. */
export function kitText(kit: BackupKit): string {
  const { version, settings } = kit;
  const { QUOTA_TIMEZONE, KEY_PEPPER, BACKUP_ENCRYPTION_KEY, ...place } = settings;
  const isOfMachine = /^s3:/.test(place['BACKUP_TARGET'] ?? '') && place['AWS_ACCESS_KEY_ID'] === undefined;
  const parts = [
    `quota-proxy emergency kit (version ${version})\nKeep it where neither this server nor the backups are.`,
    section('1. Where the backups are', [
      ...Object.entries(place).map(([name, value]) => `${name}=${value ?? BLANK}`),
      ...(isOfMachine ? ['Credentials: those of the machine. Note how to get others.'] : []),
    ]),
    section('2. The secrets', secretsIn(kit)),
    section('3. Restore on a new machine', [
      'Get the repository, and put the lines above into .env, beside ADMIN_TOKEN, UPSTREAM_API_KEY and',
      `QUOTA_TIMEZONE=${QUOTA_TIMEZONE}`,
      'by which days and months began. Then:',
      '',
      ...kit.restore,
    ]),
    section('4. Without this program', byHand(kit)),
  ];
  return `${parts.join('\n\n')}\n`;
}

function section(title: string, lines: readonly string[]): string {
  return [title, ...lines.map((line) => `   ${line}`.trimEnd())].join('\n');
}

function secretsIn({ settings, recipient, pepper_path }: BackupKit): readonly string[] {
  const { KEY_PEPPER: pepper, BACKUP_ENCRYPTION_KEY: identity } = settings;
  const encryption =
    recipient === null
      ? ['The backups are not encrypted: whoever can read the vault can read them.']
      : [
          'Without the encryption key nobody can read a backup.',
          `BACKUP_ENCRYPTION_KEY=${identity ?? BLANK}`,
          `(the one whose public key is ${recipient})`,
        ];
  const blanks = 'Fill in what is blank by hand, or print this with: quota-proxy backup kit --secrets';
  return [
    'The pepper is in no backup. Without it every key that was handed out must be made anew.',
    `KEY_PEPPER=${pepper ?? BLANK}`,
    pepper_path === null ? '(now in KEY_PEPPER or KEY_PEPPER_FILE)' : `(now in ${pepper_path})`,
    '',
    ...encryption,
    ...(pepper === null ? ['', blanks] : []),
  ];
}

const RESTORE = [
  'docker compose run --rm quota-proxy quota-proxy restore latest',
  'docker compose up -d --wait',
  'docker compose exec quota-proxy quota-proxy doctor',
];

function byHand({ recipient }: BackupKit): readonly string[] {
  const open = recipient === null ? '' : 'age -d -i key.txt | ';
  return [
    'A snapshot is an SQLite database, compressed by zstd' +
      (recipient === null ? '.' : ' and encrypted by age.'),
    'Take the newest *.db.* below snapshots/, with the encryption key in key.txt:',
    '',
    `cat 20261125T083716Z.db.zst${recipient === null ? '' : '.age'} | ${open}zstd -d > quota.db`,
    'sqlite3 quota.db "PRAGMA integrity_check; SELECT * FROM balances"',
    '',
    'What came after it is in segments/, opened in the same way: JSON lines, each with its number.',
  ];
}
