import { fileURLToPath } from 'node:url';
import { type Keep, parseKeep } from '#core/retention.ts';
import type { Timetable } from '#core/timetable.ts';
import { fileText } from './file-text.ts';
import { described, type GivenSettings } from './given-settings.ts';
import { timetableOf } from './timetable.ts';

/** Where backups go, when, and how. */
export interface BackupConfig {
  readonly target: BackupTarget;
  readonly schedule: Timetable;
  readonly drillSchedule: Timetable;
  readonly keep: Keep;
  /** A secret key of age; `null`: backups are not encrypted. */
  readonly identity: string | null;
  readonly spoolBytesMax: number;
}

export type BackupTarget =
  | { readonly kind: 'directory'; readonly path: string }
  | {
      readonly kind: 's3';
      readonly bucket: string;
      readonly prefix: string;
      readonly endpoint: string | null;
      readonly region: string | null;
      readonly forcePathStyle: boolean | null;
      /** `null`: found by the standard chain, as on a machine with a role. */
      readonly credentials: {
        readonly accessKeyId: string;
        readonly secretAccessKey: string;
        readonly sessionToken: string | null;
      } | null;
    };

/** What of it must never be written anywhere. */
export function secretsOf({ identity, target }: BackupConfig): readonly string[] {
  const { secretAccessKey, sessionToken } = (target.kind === 's3' && target.credentials) || NO_CREDENTIALS;
  return [identity, secretAccessKey, sessionToken].filter((secret) => secret !== null);
}

const NO_CREDENTIALS = { secretAccessKey: null, sessionToken: null };

/** Settings about backups, as `settings` reads them. */
export interface BackupSettings {
  readonly BACKUP_TARGET?: string | undefined;
  readonly BACKUP_SCHEDULE: string;
  readonly BACKUP_DRILL_SCHEDULE: string;
  readonly BACKUP_KEEP: string;
  readonly BACKUP_SPOOL_BYTES_MAX: number;
  readonly S3_ENDPOINT?: string | undefined;
  readonly S3_REGION?: string | undefined;
  readonly S3_FORCE_PATH_STYLE?: boolean | undefined;
  readonly AWS_ACCESS_KEY_ID?: string | undefined;
  readonly AWS_SECRET_ACCESS_KEY?: string | undefined;
  readonly AWS_SESSION_TOKEN?: string | undefined;
  readonly QUOTA_TIMEZONE: string;
}

/** What the settings say of backups; `null` without BACKUP_TARGET. Problems are added to `problems`. */
export function backupConfigOf(
  values: BackupSettings,
  given: GivenSettings,
  problems: string[],
): BackupConfig | null {
  const identity = identityOf(given, problems);
  const keep = parseKeep(values.BACKUP_KEEP);
  if (keep === undefined) {
    problems.push(`BACKUP_KEEP is '${values.BACKUP_KEEP}': must be such as '24h 7d 4w 12m', each unit once`);
  }
  const zone = values.QUOTA_TIMEZONE;
  const schedule = timetableIn('BACKUP_SCHEDULE', values.BACKUP_SCHEDULE, zone, problems);
  const drillSchedule = timetableIn('BACKUP_DRILL_SCHEDULE', values.BACKUP_DRILL_SCHEDULE, zone, problems);
  const target = values.BACKUP_TARGET === undefined ? undefined : targetOf(values, given, problems);
  if (target === undefined || keep === undefined || schedule === undefined || drillSchedule === undefined)
    return null;
  return { target, schedule, drillSchedule, keep, identity, spoolBytesMax: values.BACKUP_SPOOL_BYTES_MAX };
}

function timetableIn(
  name: string,
  expression: string,
  zone: string,
  problems: string[],
): Timetable | undefined {
  try {
    return timetableOf(expression, zone);
  } catch (error) {
    problems.push(`${name} is '${expression}': ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

function targetOf(
  values: BackupSettings,
  given: GivenSettings,
  problems: string[],
): BackupTarget | undefined {
  const text = values.BACKUP_TARGET ?? '';
  const url = URL.parse(text);
  if (url?.protocol === 'file:' && url.host === '' && url.pathname !== '/') {
    return { kind: 'directory', path: fileURLToPath(url) };
  }
  const [, bucket, prefix] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([A-Za-z0-9._/-]*))?$/.exec(text) ?? [];
  if (bucket === undefined) {
    problems.push(
      `${described('BACKUP_TARGET', given)}: must be s3://bucket/prefix or file:///path; a bucket has 3 to 63 small letters, ` +
        'digits, dots and hyphens, a prefix letters, digits, dots, _ and -; credentials are not part of it, but AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    );
    return undefined;
  }
  return {
    kind: 's3',
    bucket,
    prefix: (prefix ?? '').replace(/^\/+|\/+$/g, ''),
    endpoint: values.S3_ENDPOINT ?? null,
    region: values.S3_REGION ?? null,
    forcePathStyle: values.S3_FORCE_PATH_STYLE ?? null,
    credentials: credentialsOf(values, problems),
  };
}

/** Exactly those that are given, or none: half of a pair would make the SDK look for others in silence. */
function credentialsOf(values: BackupSettings, problems: string[]) {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = values;
  if (accessKeyId === undefined && secretAccessKey === undefined) return null;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    problems.push('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together: set both or neither');
    return null;
  }
  return { accessKeyId, secretAccessKey, sessionToken: values.AWS_SESSION_TOKEN ?? null };
}

const IDENTITY = /^AGE-SECRET-KEY-1[0-9A-Z]{58}$/;

function identityOf(given: GivenSettings, problems: string[]): string | null {
  const value = given['BACKUP_ENCRYPTION_KEY']?.value;
  const path = given['BACKUP_ENCRYPTION_KEY_FILE']?.value;
  if (value !== undefined && path !== undefined) {
    problems.push('BACKUP_ENCRYPTION_KEY and BACKUP_ENCRYPTION_KEY_FILE are both set: unset one of them');
  }
  const text =
    value ?? (path === undefined ? undefined : fileText('BACKUP_ENCRYPTION_KEY_FILE', path, problems));
  if (text === undefined) return null;
  // As age-keygen writes it: comments, and the key on a line of its own.
  const line =
    text
      .split('\n')
      .find((each) => each.trim() !== '' && !each.startsWith('#'))
      ?.trim() ?? '';
  if (IDENTITY.test(line)) return line;
  problems.push(
    `${value === undefined ? `BACKUP_ENCRYPTION_KEY_FILE is '${path}'` : 'BACKUP_ENCRYPTION_KEY'}: holds no secret key of age (AGE-SECRET-KEY-1…): make one with quota-proxy backup keygen`,
  );
  return null;
}
