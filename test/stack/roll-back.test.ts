import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Aimock } from './aimock.ts';
import { startAimock } from './aimock.ts';
import { describeStack } from './docker.ts';
import type { Installation } from './installation.ts';
import { anInstallation, HANGS, UPSTREAM_KEY } from './installation.ts';
import type { Operator } from './operator.ts';
import { anOperator, hears, onHost, removeDeployment } from './operator.ts';

const NAME = 'roll-back-test';
const IMAGE = `${NAME}:latest`;

/** A release that serves, and what must not become of it: each test leaves it as it was, and the last one upgrades it. */
describeStack('a deploy that goes wrong', () => {
  let upstream: Aimock;
  let operator: Operator;
  let installed: Installation;
  let directory: string;
  let before: string;
  let counted: number;

  beforeAll(async () => {
    [upstream, operator] = await Promise.all([startAimock(), anOperator()]);
    installed = await anInstallation(operator, upstream, NAME);
    directory = installed.directory;
  });

  afterAll(async () => {
    await removeDeployment(NAME);
    await Promise.all([upstream?.stop(), operator?.stop()]);
  });

  test('a first release that does not start is taken away again, and what may be wrong is said', async () => {
    const short = join(operator.folder, 'short');
    const settings = `ADMIN_TOKEN=short\nUPSTREAM_API_KEY=${UPSTREAM_KEY}\nPUBLISHED_PORT=${operator.port}\n`;
    await writeFile(short, settings);
    const { code, stderr } = await installed.deploy('--env-file', short);
    expect(code).toBe(1);
    expect(stderr).toMatch(/it keeps ending[\s\S]*ADMIN_TOKEN[\s\S]*nothing to go back to; it is stopped/);
    expect(await onHost(directory, 'docker compose ps --all --quiet')).toBe('');
    expect(await installed.releases()).toEqual([]);
    await rm(directory, { recursive: true });
  });

  test('after that, a good one is deployed', async () => {
    expect(await installed.deploy('--env-file', installed.envFile)).toMatchObject({ code: 0, stderr: '' });
    await installed.handOutKey();
    expect(await installed.chat()).toBe(200);
    [before, counted] = [await installed.current(), 1];
  });

  test.each([
    { name: 'ends at once', command: ['sh', '-c', 'echo broken on purpose; exit 1'], says: /keeps ending/ },
    { name: 'never becomes healthy', command: HANGS, says: /not healthy after 8 s/ },
  ])('from a release that $name it goes back by itself, and loses nothing', async ({ command, says }) => {
    const image = await operator.makeImage('broken', IMAGE, command);
    const { code, stdout, stderr } = await installed.deploy('--image', image, '--timeout', '8');
    expect(stdout).toContain(`Rolls back to release ${before}`);
    expect(stderr).toMatch(says);
    if (command !== HANGS) expect(stderr).toContain('  | broken on purpose');
    expect(stderr).toMatch(
      /rolled back: release \S+ is healthy, and the database as it was; nothing is lost/,
    );
    expect(code).toBe(1);
    await installed.expectIntact(before, counted++);
  });

  test('where the new release has changed the tables, the copy from before comes back, and that is said', async () => {
    const migrate = 'sqlite3 /data/quota.db "PRAGMA user_version = 99"; trap exit TERM; sleep 600 & wait';
    const image = await operator.makeImage('migrating', IMAGE, ['sh', '-c', migrate]);
    const { code, stdout, stderr } = await installed.deploy('--image', image, '--timeout', '8');
    expect(stdout).toMatch(/has changed the tables of the database, from version \d+ to 99/);
    const [, aside = ''] = /kept as (\/data\/replaced-\S+) in the volume/.exec(stderr) ?? [];
    expect(code).toBe(1);
    await installed.expectIntact(before, counted++);
    const version = `docker compose exec -T quota-proxy sqlite3 ${aside}/quota.db "PRAGMA user_version"`;
    expect(await onHost(directory, version)).toBe('99\n');
    expect(await onHost(directory, 'docker compose exec -T quota-proxy ls /data')).not.toContain('restore-');
  });

  test('sources that do not build change nothing', async () => {
    await appendFile(join(operator.checkout, 'core/secret.ts'), 'this is no TypeScript');
    const { code, stderr } = await installed.deploy();
    await operator.change('core/secret.ts');
    expect(stderr).toMatch(/core\/secret\.ts[\s\S]*there is no image .*nothing was changed/);
    expect(code).toBe(1);
    await installed.expectIntact(before, counted++);
  });

  test('without a backup nothing is changed', async () => {
    await onHost(directory, 'rm -r backups && touch backups');
    const { code, stderr } = await installed.deploy();
    await onHost(directory, 'rm backups');
    expect(stderr).toMatch(/the database could not be backed up .*nothing was changed/);
    expect(code).toBe(1);
    await installed.expectIntact(before, counted++);
  });

  test('interrupted before the switch, it has changed nothing', async () => {
    await operator.change('core/window.ts');
    const running = operator.start('deploy.sh', installed.options());
    await hears(running, /Builds the image/);
    running.child.kill('SIGTERM');
    const { code, stderr } = await running.ended;
    expect(stderr).toContain('interrupted: nothing was changed');
    expect(code).toBe(130);
    await installed.expectIntact(before, counted++);
  });

  test('killed here in the middle of the switch, it goes back on the host by itself', async () => {
    const image = await operator.makeImage('broken', IMAGE, HANGS);
    const running = operator.start('deploy.sh', installed.options('--image', image, '--timeout', '8'));
    await hears(running, /Starts release/);
    running.child.kill('SIGKILL');
    await running.ended;
    const journal = 'while [ -e releases/switching ]; do sleep 0.2; done';
    await onHost(directory, `timeout 60 bash -c "${journal}"; flock .deploy.lock true`);
    await installed.expectIntact(before, counted++);
  });

  test('killed on the host in the middle of the switch, it is settled by the next run, which goes on', async () => {
    const image = await operator.makeImage('broken', IMAGE, HANGS);
    const running = operator.start('deploy.sh', installed.options('--image', image));
    await hears(running, /Starts release/);
    await expect
      .poll(() => onHost(directory, 'docker compose ps'), { timeout: 30_000 })
      .toContain('(health: starting)');
    // While it is at work, nobody else is let in.
    const second = await installed.deploy();
    expect(second.stderr).toContain(`another deploy is at work in ${directory}: wait until it is done`);
    expect(second.code).toBe(1);
    await onHost(directory, `kill -9 $(pgrep -f '^bash ${directory}/releases/.*/release.sh')`);
    expect((await running.ended).code).not.toBe(0);

    const { code, stdout, stderr } = await installed.deploy('--timeout', '60');
    expect(stdout).toMatch(/An earlier run was cut off while it switched to release/);
    expect(stderr).toContain(`rolled back: release ${before} is healthy`);
    expect(stdout).toContain('All is well.');
    expect(code).toBe(0);
    const now = await installed.current();
    expect(now).not.toBe(before);
    await installed.expectIntact(now, counted);
  });
});
