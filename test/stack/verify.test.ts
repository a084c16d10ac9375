import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeStack } from './docker.ts';
import { crosses } from './installation.ts';
import type { Operator } from './operator.ts';
import { anOperator, onHost, removeDeployment } from './operator.ts';

const NAME = 'verify-test';

/** A deployment that is taken apart, a little more by each test. */
describeStack('scripts/verify.sh', () => {
  let operator: Operator;
  let directory: string;

  beforeAll(async () => {
    operator = await anOperator();
    directory = join(operator.folder, NAME);
    await mkdir(directory);
    const settings = join(operator.folder, 'settings');
    await writeFile(settings, `UPSTREAM_API_KEY=sk-1\nPUBLISHED_PORT=${operator.port}\n`);
    const args = ['--local', '--dir', directory, '--env-file', settings];
    expect(await operator.start('deploy.sh', args).ended).toMatchObject({ code: 0 });
  });

  afterAll(async () => {
    await removeDeployment(NAME);
    await operator?.stop();
  });

  test('ticks off what is as it should be', async () => {
    const { code, stdout } = await verify();
    expect(code).toBe(0);
    expect(stdout.match(/^✓ /gm)).toHaveLength(17);
    expect(stdout).toMatch(/^✓ .*\nAll is well\.\n$/m);
  });

  test('marks everything that is not, says what to do, and fails', async () => {
    await chmod(join(directory, '.env'), 0o644);
    await override(`services:
  quota-proxy:
    ports: !override ["0.0.0.0:${operator.port}:8787"]
    deploy: !reset {}
    logging: !override { driver: json-file }
    read_only: false
    restart: "no"
`);
    await onHost(directory, 'docker compose up -d --wait');
    const { code, stdout } = await verify();
    expect(code).toBe(1);
    expect(crosses(stdout)).toEqual([
      '.env can be read by others',
      `port ${operator.port} is open to others, on 0.0.0.0`,
      'there is no limit of memory',
      'it has more rights than it needs',
      'it does not start again when the host does',
      'its log grows without bound',
    ]);
    expect(stdout).toContain(`    chmod 600 ${directory}/.env\n`);
    expect(stdout).toMatch(/Not as it should be: 6\n$/);
  });

  test('sees another database, image and token than there should be', async () => {
    await onHost(directory, `sed -i 's/^ADMIN_TOKEN=.*/ADMIN_TOKEN=short/' .env`);
    await override(
      'services: { quota-proxy: { volumes: !override ["/data"], command: [sh, -c, "sleep 600 & wait"] } }\n',
    );
    // Without its container, or Compose would give the new one the old volume.
    await onHost(directory, `docker compose down && docker compose up -d`);
    await onHost(directory, `docker tag node:26-trixie-slim ${NAME}:latest`);
    expect(crosses((await verify()).stdout)).toEqual([
      '.env can be read by others',
      'ADMIN_TOKEN in .env is missing or shorter than 32',
      `it runs another image than ${NAME} is now`,
      expect.stringMatching(/^health: (starting|unhealthy)$/),
      expect.stringMatching(/^GET \/healthz on 127.0.0.1:\d+ gives no 200$/),
      'GET /admin/keys without a token does not give 401',
      '/data is on no volume of its own: it goes away with the container',
      'there is no database that can be read',
      'the admin API does not answer',
    ]);
  });

  test.each([
    { what: 'a stopped container', breaks: 'docker compose stop -t 1', says: 'the container does not run' },
    { what: 'a lost file', breaks: 'rm docker-compose.yml', says: 'files are missing: docker-compose.yml' },
    { what: 'a lost directory', breaks: 'rm -r "$PWD"', says: 'there is no directory' },
  ])('says so of $what', async ({ breaks, says }) => {
    await onHost(directory, breaks);
    const { code, stdout } = await verify();
    expect(code).toBe(1);
    expect(crosses(stdout).join('\n')).toContain(says);
  });

  function verify() {
    return operator.start('verify.sh', [...operator.sshd.options, '--dir', directory]).ended;
  }

  function override(text: string): Promise<void> {
    return writeFile(join(directory, 'docker-compose.override.yml'), text);
  }
});
