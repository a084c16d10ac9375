import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Aimock } from './aimock.ts';
import { startAimock } from './aimock.ts';
import { describeStack } from './docker.ts';
import type { Installation } from './installation.ts';
import { anInstallation, UPSTREAM_KEY } from './installation.ts';
import type { Operator } from './operator.ts';
import { anOperator, onHost, removeDeployment } from './operator.ts';
import type { SeenArguments } from './seen-arguments.ts';
import { watchArguments } from './seen-arguments.ts';

const NAME = 'deploy-test';
const COPY = /backups\/quota-\d{8}T\d{6}Z\.db$/m;

/** The life of one deployment, by ssh to a real sshd and on the real engine: each test goes on where the last ended. */
describeStack('scripts/deploy.sh', () => {
  let upstream: Aimock;
  let operator: Operator;
  let watched: SeenArguments;
  let installed: Installation;
  let directory: string;

  beforeAll(async () => {
    watched = watchArguments();
    [upstream, operator] = await Promise.all([startAimock(), anOperator()]);
    installed = await anInstallation(operator, upstream, NAME);
    directory = installed.directory;
  });

  afterAll(async () => {
    watched?.stop();
    for (const name of [NAME, `${NAME}-2`]) await removeDeployment(name);
    await Promise.all([upstream?.stop(), operator?.stop()]);
  });

  test.each([
    { name: 'no host', args: [], says: /--host is missing/ },
    { name: 'a host that is an option', args: ['--host=-oProxyCommand=id'], says: /is no name of a host/ },
    { name: 'a directory to be quoted', args: ['--local', '--dir', '/opt/a b'], says: /absolute path/ },
    { name: 'the directory above', args: ['--local', '--dir', '/opt/../etc'], says: /absolute path/ },
    { name: 'no time at all', args: ['--local', '--timeout', '0'], says: /--timeout needs seconds/ },
    { name: 'a word too many', args: ['--local', 'now'], says: /now is no option/ },
  ])('with $name it is wrong usage', async ({ args, says }) => {
    const { code, stderr } = await operator.start('deploy.sh', args).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/scripts\/deploy.sh --help shows what there is\n$/);
  });

  test.each(['deploy.sh', 'verify.sh', 'backup.sh'])('%s --help says what it does', async (script) => {
    const { code, stdout } = await operator.start(script, ['--help']).ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: scripts/${script} `));
    expect(stdout).toContain('Exit status: 0 ');
  });

  test('a dry run says what would be done, and does nothing', async () => {
    const { code, stdout } = await installed.deploy('--env-file', installed.envFile, '--dry-run');
    expect(code).toBe(0);
    for (const step of ['write .env', 'build the image', 'start release', 'verify'])
      expect(stdout).toContain(step);
    expect(stdout).toMatch(/Nothing was changed\.\n$/);
    expect(existsSync(directory)).toBe(false);
  });

  test('without a key of the upstream nothing is begun', async () => {
    const { code, stderr } = await installed.deploy();
    expect(code).toBe(1);
    expect(stderr).toMatch(/no UPSTREAM_API_KEY for it: export UPSTREAM_API_KEY=…, or use --env-file/);
    expect(existsSync(directory)).toBe(false);
  });

  test('a host whose key is not known is not talked to', async () => {
    const args = [...operator.sshd.optionsOfAStranger, '--dir', directory, '--env-file', installed.envFile];
    const { code, stderr } = await operator.start('deploy.sh', args).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/Host key verification failed[\s\S]*ssh does not get to 127\.0\.0\.1/);
    expect(existsSync(directory)).toBe(false);
  });

  test('from an empty directory to verified', async () => {
    await mkdir(directory);
    const { code, stdout, stderr } = await installed.deploy('--env-file', installed.envFile);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^✓ GET \/healthz answers 200$/m);
    expect(stdout).toMatch(/^✓ memory: at most 256 MB$/m);
    expect(stdout).toContain('All is well.');
    expect(stdout).not.toContain('✗');
    expect((await stat(join(directory, '.env'))).mode & 0o777).toBe(0o600);
    expect(await installed.env()).toMatch(/^ADMIN_TOKEN=[0-9a-f]{64}$/m);
    expect((await installed.env()).match(/^ADMIN_TOKEN=/gm)).toHaveLength(1);
    expect(await readdir(directory)).not.toContain('backups');
    await installed.handOutKey();
    expect(await installed.chat()).toBe(200);
    expect(await installed.counted()).toBe(1);
  });

  test('the second deploy is the upgrade: backed up, .env as it was, nothing lost', async () => {
    const before = await installed.env();
    const [first] = await installed.releases();
    await operator.change('core/secret.ts');
    const { code, stdout } = await installed.deploy('--env-file', installed.envFile);
    expect(code).toBe(0);
    expect(stdout).toContain(`Keeps ${directory}/.env as it is: ${installed.envFile} is not used`);
    expect(stdout).toMatch(/^Backs up\n.*\nStarts release/m);
    const done = `Release \\S+ \\(version [\\d.]+\\) is healthy; before it was ${first}$`;
    expect(stdout).toMatch(new RegExp(done, 'm'));
    expect(stdout).toContain('All is well.');
    const copy = await expectCopy(stdout);
    expect(await onHost(directory, `sqlite3 ${copy} "SELECT label FROM keys"`)).toBe('Ada\n');
    expect(await installed.env()).toBe(before);
    expect(await installed.releases()).toHaveLength(2);
    expect(await installed.counted()).toBe(1);
    expect(await installed.chat()).toBe(200);
  });

  test('--back puts the release before in place, and it is verified', async () => {
    const [before = ''] = await installed.releases();
    const now = await installed.current();
    const { code, stdout } = await installed.deploy('--back');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Backs up$/m);
    expect(stdout).toMatch(new RegExp(`Release ${before} .*is healthy; before it was ${now}`));
    expect(stdout).toContain('All is well.');
    await installed.expectIntact(before, 2);
  });

  test('a stopped server is backed up, too, and runs again after the upgrade', async () => {
    await onHost(directory, 'docker compose down');
    const { code, stdout } = await installed.deploy();
    expect(code).toBe(0);
    const copy = await expectCopy(stdout);
    expect(await onHost(directory, `sqlite3 ${copy} "SELECT label FROM keys"`)).toBe('Ada\n');
    expect(await installed.counted()).toBe(3);
  });

  test('of old releases few are kept, and their images go with them', async () => {
    const [oldest] = await installed.releases();
    expect((await installed.deploy()).code).toBe(0);
    expect(await installed.releases()).toHaveLength(3);
    expect(await installed.releases()).not.toContain(oldest);
    const tags = await onHost('/', `docker image ls --format '{{.Tag}}' ${NAME}`);
    expect(tags.trim().split('\n').sort()).toEqual([...(await installed.releases()), 'latest']);
  });

  test('with BACKUP_TARGET there is a backup, too; where it takes none, that is said, and the upgrade goes on', async () => {
    const env = await installed.env();
    await onHost(directory, 'docker compose exec -T quota-proxy mkdir /data/vault');
    await writeFile(join(directory, '.env'), `${env}BACKUP_TARGET=file:///data/vault\n`);
    await onHost(directory, 'docker compose up -d --wait');
    const count = 'docker compose exec -T quota-proxy sh -c "ls -R /data/vault | grep -c [.]json$"';
    const before = Number(await onHost(directory, count));
    const image = `${NAME}:${await installed.current()}`;
    expect(await installed.deploy('--image', image)).toMatchObject({ code: 0, stderr: '' });
    expect(Number(await onHost(directory, count))).toBeGreaterThan(before);

    await onHost(directory, 'docker compose exec -T quota-proxy rm -r /data/vault');
    const { code, stdout } = await installed.deploy('--image', image);
    expect(stdout).toMatch(/warning: BACKUP_TARGET took no backup .*\n {2}\S+\/backups\/quota-\S+\.db$/m);
    expect(code).toBe(0);
    await writeFile(join(directory, '.env'), env);
  });

  test('another directory of the same name is not taken for this one', async () => {
    const other = join(operator.folder, 'other', NAME);
    await mkdir(other, { recursive: true });
    const args = [...operator.sshd.options, '--dir', other, '--env-file', installed.envFile];
    const { code, stderr } = await operator.start('deploy.sh', args).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/is called deploy-test, too: give this one another name, COMPOSE_PROJECT_NAME=/);
    expect(await installed.counted()).toBe(3);
    expect(await readdir(join(other, 'releases'))).not.toContainEqual(expect.stringContaining('draft'));
  });

  test('an override that names an image of its own is refused, for no release would ever be used', async () => {
    const override = join(directory, 'docker-compose.override.yml');
    await writeFile(override, 'services: { quota-proxy: { image: "node:26-trixie-slim" } }\n');
    const { code, stderr } = await installed.deploy();
    await rm(override);
    expect(stderr).toContain('names another image than deploy-test: take that line out, and use --image');
    expect(code).toBe(1);
  });

  test('without ssh, on this machine, with the settings of the environment', async () => {
    const second = join(operator.folder, `${NAME}-2`);
    await mkdir(second);
    const nowhere = 'services: { quota-proxy: { ports: !reset [] } }\n';
    await writeFile(join(second, 'docker-compose.override.yml'), nowhere);
    const env = { UPSTREAM_API_KEY: UPSTREAM_KEY };
    const { code, stdout } = await operator.start('deploy.sh', ['--local', '--dir', second], env).ended;
    expect(stdout).toContain('published nowhere');
    expect(stdout).toContain('All is well.');
    expect(code).toBe(0);
    expect(await readFile(join(second, '.env'), 'utf8')).toContain(`UPSTREAM_API_KEY=${UPSTREAM_KEY}\n`);
  });

  test('no secret was in anything that was said, nor on any command line', async () => {
    const token = /^ADMIN_TOKEN=(.*)$/m.exec(await installed.env())?.[1] ?? '';
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    for (const text of [operator.allSaid(), watched.text()]) {
      expect(text).not.toContain(token);
      expect(text).not.toContain(UPSTREAM_KEY);
    }
    // The control: what ran on the host was seen.
    expect(watched.text()).toMatch(/release\.sh new /);
    expect(watched.text()).toContain('quota-proxy keys list --limit 1 --json');
  });

  /** The copy that was said to be made: it is there, and whole. */
  async function expectCopy(stdout: string): Promise<string> {
    const [copy = ''] = COPY.exec(stdout) ?? [];
    const check = `cd backups && sha256sum --check ${basename(copy)}.sha256`;
    expect(await onHost(directory, check)).toContain(': OK');
    return copy;
  }
});
