import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { configProblems } from '#test/fakes/config-problems.ts';
import { type BackupConfig, secretsOf } from './backup-config.ts';
import { readConfig, readToolConfig } from './config.ts';

const KEY = 'AGE-SECRET-KEY-1EM4V670YXR8UMUD45GSUUQQDVRSEZJT9W6URH4FFLELLQW6F8YCQ8CU9MQ';
const TARGET = 's3://my-bucket/quota/proxy';
const directory = mkdtempSync(join(tmpdir(), 'backup-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

function backupOf(env: Readonly<Record<string, string>>): BackupConfig {
  const { backup } = readConfig(env);
  if (backup === null) throw new Error('no backups are made');
  return backup;
}

test('without a target no backups are made, whatever else is set', () => {
  expect(readConfig({ BACKUP_SCHEDULE: '@daily' }).backup).toBeNull();
});

test('a target alone: every hour, a drill a day, not encrypted, credentials of the standard chain', () => {
  const { target, identity, keep, schedule, drillSchedule, spoolBytesMax } = backupOf({
    BACKUP_TARGET: TARGET,
  });
  expect(target).toEqual({
    kind: 's3',
    bucket: 'my-bucket',
    prefix: 'quota/proxy',
    endpoint: null,
    region: null,
    forcePathStyle: null,
    credentials: null,
  });
  expect(identity).toBeNull();
  expect(keep).toEqual([
    { count: 24, unit: 'hour' },
    { count: 7, unit: 'day' },
    { count: 4, unit: 'week' },
    { count: 12, unit: 'month' },
  ]);
  const noon = Date.UTC(2026, 10, 25, 12, 30);
  expect(schedule.next(noon)).toBe(Date.UTC(2026, 10, 25, 13));
  expect(drillSchedule.next(noon)).toBe(Date.UTC(2026, 10, 26));
  expect(spoolBytesMax).toBe(20 * 1024 ** 3);
});

test('cron expressions mean local time', () => {
  const { schedule } = backupOf({
    BACKUP_TARGET: TARGET,
    BACKUP_SCHEDULE: '0 3 * * *',
    QUOTA_TIMEZONE: 'Asia/Shanghai',
  });
  expect(schedule.next(Date.UTC(2026, 10, 25, 12))).toBe(Date.UTC(2026, 10, 25, 19));
});

test.each([
  { name: 'a bucket alone', env: { BACKUP_TARGET: 's3://bucket' }, target: { bucket: 'bucket', prefix: '' } },
  { name: 'a slash at the end', env: { BACKUP_TARGET: 's3://bucket/a/' }, target: { prefix: 'a' } },
  {
    name: 'a directory',
    env: { BACKUP_TARGET: 'file:///mnt/back%20up' },
    target: { kind: 'directory', path: '/mnt/back up' },
  },
  {
    name: "a store of one's own",
    env: {
      BACKUP_TARGET: TARGET,
      S3_ENDPOINT: 'http://minio:9000',
      S3_REGION: 'garage',
      S3_FORCE_PATH_STYLE: 'false',
      AWS_ACCESS_KEY_ID: 'AK',
      AWS_SECRET_ACCESS_KEY: 'SK',
    },
    target: {
      endpoint: 'http://minio:9000',
      region: 'garage',
      forcePathStyle: false,
      credentials: { accessKeyId: 'AK', secretAccessKey: 'SK', sessionToken: null },
    },
  },
])('$name', ({ env, target }) => {
  expect(backupOf(env).target).toMatchObject(target);
});

test('an encryption key may be in a file, as age-keygen writes it', () => {
  const path = join(directory, 'key.txt');
  writeFileSync(path, `# created: 2026-11-25T08:00:00Z\n# public key: age1…\n${KEY}\n`);
  expect(backupOf({ BACKUP_TARGET: TARGET, BACKUP_ENCRYPTION_KEY_FILE: path }).identity).toBe(KEY);
  expect(backupOf({ BACKUP_TARGET: TARGET, BACKUP_ENCRYPTION_KEY: KEY }).identity).toBe(KEY);
});

test('what is secret is known as such', () => {
  const credentials = { AWS_ACCESS_KEY_ID: 'AK', AWS_SECRET_ACCESS_KEY: 'SK', AWS_SESSION_TOKEN: 'ST' };
  const backup = backupOf({ BACKUP_TARGET: TARGET, BACKUP_ENCRYPTION_KEY: KEY, ...credentials });
  expect(secretsOf(backup)).toEqual([KEY, 'SK', 'ST']);
  expect(secretsOf(backupOf({ BACKUP_TARGET: 'file:///backups' }))).toEqual([]);
});

test('the command line reads the same', () => {
  expect(readToolConfig({ BACKUP_TARGET: TARGET }).backup?.target).toMatchObject({ bucket: 'my-bucket' });
});

test.each([
  {
    env: { BACKUP_TARGET: 's3://b' },
    says: /^BACKUP_TARGET is 's3:\/\/b': must be s3:\/\/bucket\/prefix or file.* bucket has 3 to 63 small letters/,
  },
  { env: { BACKUP_TARGET: '/backups' }, says: /^BACKUP_TARGET is '\/backups': must be/ },
  { env: { BACKUP_TARGET: 'file://host/x' }, says: /^BACKUP_TARGET/ },
  { env: { BACKUP_TARGET: 'https://s3.example.com/b' }, says: /^BACKUP_TARGET/ },
  { env: { BACKUP_SCHEDULE: 'hourly' }, says: /^BACKUP_SCHEDULE is 'hourly': .*five fields/ },
  { env: { BACKUP_DRILL_SCHEDULE: '61 * * * *' }, says: /^BACKUP_DRILL_SCHEDULE is '61 \* \* \* \*'/ },
  { env: { BACKUP_KEEP: 'forever' }, says: /^BACKUP_KEEP is 'forever': must be such as '24h 7d 4w 12m'/ },
  { env: { BACKUP_SPOOL_BYTES_MAX: '1' }, says: /^BACKUP_SPOOL_BYTES_MAX is '1': must be a whole number/ },
  {
    env: { BACKUP_ENCRYPTION_KEY: 'hunter2' },
    says: /^BACKUP_ENCRYPTION_KEY: holds no secret key of age.*keygen/,
  },
  {
    env: { BACKUP_ENCRYPTION_KEY_FILE: '/no/such' },
    says: /^BACKUP_ENCRYPTION_KEY_FILE is '\/no\/such': .*cannot be read/,
  },
  { env: { BACKUP_ENCRYPTION_KEY: KEY, BACKUP_ENCRYPTION_KEY_FILE: import.meta.filename }, says: /both set/ },
  { env: { RESTORE_IF_MISSING: 'latest' }, says: /^RESTORE_IF_MISSING is set, and BACKUP_TARGET is not/ },
  {
    env: { BACKUP_TARGET: TARGET, RESTORE_IF_MISSING: 'yes' },
    says: /^RESTORE_IF_MISSING is 'yes': must be latest/,
  },
  { env: { BACKUP_TARGET: TARGET, AWS_ACCESS_KEY_ID: 'AK' }, says: /go together: set both or neither/ },
  {
    env: { BACKUP_TARGET: TARGET, S3_ENDPOINT: 'minio:9000' },
    says: /^S3_ENDPOINT is 'minio:9000': must be a URL/,
  },
])('$env is one problem, told without a secret', ({ env, says }) => {
  const problems = configProblems(env);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(says);
  expect(problems[0]).not.toMatch(/hunter2|EM4V670/);
});
