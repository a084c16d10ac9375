import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Aimock } from './aimock.ts';
import { startAimock } from './aimock.ts';
import { describeStack } from './docker.ts';
import type { Installation } from './installation.ts';
import { anInstallation } from './installation.ts';
import type { Operator } from './operator.ts';
import { anOperator, onHost, removeDeployment } from './operator.ts';

const NAME = 'deploy-upstreams-test';
const KEYS = { ALPHA_KEY: 'sk-of-alpha-that-nobody-sees', BETA_KEY: 'sk-of-beta-that-nobody-sees' };
const PRICES = { version: '1', currency: 'USD', models: { 'deepseek-chat': { input: 1, output: 2 } } };

/** The first on a machine gets packages, and compiles. */
const BUILD_MS_MAX = 600_000;

/** The life of a deployment whose upstreams and prices are in files: each test goes on where the last ended. */
describeStack('scripts/deploy.sh with UPSTREAMS_FILE', () => {
  let upstream: Aimock;
  let operator: Operator;
  let installed: Installation;
  /** The settings, and the files beside them, as an operator keeps them. */
  let envFile: string;

  beforeAll(async () => {
    [upstream, operator] = await Promise.all([startAimock(), anOperator()]);
    installed = await anInstallation(operator, upstream, NAME);
    const [, baseUrl = ''] =
      /^UPSTREAM_BASE_URL=(.*)$/m.exec(await readFile(installed.envFile, 'utf8')) ?? [];
    const folder = join(operator.folder, 'settings');
    await mkdir(folder);
    await mkdir(installed.directory);
    envFile = join(folder, 'host.env');
    await settings(KEYS);
    await writeFile(join(folder, 'upstreams.json'), upstreamsAt(baseUrl));
    await writeFile(
      join(folder, 'with-file.json'),
      upstreamsAt(baseUrl).replace('"api_key_env": "BETA_KEY"', '"api_key_file": "keys/beta"'),
    );
    await writeFile(join(folder, 'prices.json'), JSON.stringify(PRICES));
  });

  afterAll(async () => {
    await removeDeployment(NAME);
    await Promise.all([upstream?.stop(), operator?.stop()]);
  });

  function settings(more: Readonly<Record<string, string>>): Promise<void> {
    const all = { UPSTREAMS_FILE: 'upstreams.json', PRICES_FILE: '"./prices.json"', ...more };
    const lines = Object.entries({ ...all, PUBLISHED_PORT: operator.port });
    // Without a line end, as some editors leave it.
    return writeFile(envFile, lines.map(([name, value]) => `${name}=${value}`).join('\n'));
  }

  const deploy = (...more: string[]) => installed.deploy('--env-file', envFile, ...more);

  test.each([
    {
      name: 'a key that is not set',
      env: { ALPHA_KEY: 'sk-1' },
      says: /has a key in BETA_KEY, which is not set/,
    },
    {
      name: 'no such file',
      env: { ...KEYS, UPSTREAMS_FILE: 'others.json' },
      says: /UPSTREAMS_FILE is others\.json, and there is no such file beside .*host\.env: put it there/,
    },
    {
      name: 'a key in a file',
      env: { ...KEYS, UPSTREAMS_FILE: 'with-file.json' },
      says: /with-file\.json has a key in the file keys\/beta, which does not go along: name a variable in api_key_env/,
    },
    {
      name: 'an upstream beside the file',
      env: { ...KEYS, UPSTREAM_API_KEY: 'sk-1' },
      says: /UPSTREAMS_FILE and UPSTREAM_API_KEY or UPSTREAM_BASE_URL are set/,
    },
  ])('with $name nothing is begun', async ({ env, says }) => {
    await settings(env);
    const { code, stderr } = await deploy();
    await settings(KEYS);
    expect(code).toBe(1);
    expect(stderr).toMatch(says);
    expect(existsSync(join(installed.directory, 'releases'))).toBe(false);
  });

  test('from the environment it takes the file, and the keys that it names', async () => {
    const env = { UPSTREAMS_FILE: join(operator.folder, 'settings/upstreams.json') };
    const args = ['--local', '--dir', installed.directory, '--dry-run'];
    const without = await operator.start('deploy.sh', args, env).ended;
    expect(without.stderr).toMatch(/has a key in ALPHA_KEY, which is not set: put it into your environment/);
    const { code, stdout } = await operator.start('deploy.sh', args, { ...env, ...KEYS }).ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/and: UPSTREAMS_FILE ALPHA_KEY BETA_KEY $/m);
  });

  test('a dry run says which files go along', async () => {
    const { code, stdout } = await deploy('--dry-run');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}write upstreams\.json, as .*settings\/upstreams\.json is$/m);
    expect(stdout).toMatch(/^ {2}write prices\.json, as .*prices\.json is$/m);
    expect(stdout).toMatch(/^ {2}write docker-compose\.override\.yml, which mounts that read-only$/m);
    expect(existsSync(join(installed.directory, 'releases'))).toBe(false);
  });

  test(
    'without UPSTREAM_API_KEY, from an empty directory to verified, with both upstreams and the prices',
    async () => {
      const { code, stdout, stderr } = await deploy();
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('All is well.');
      await installed.handOutKey();
      expect(await installed.chat()).toBe(200);
      const quotaProxy = 'docker compose exec -T quota-proxy quota-proxy';
      const status = await onHost(installed.directory, `${quotaProxy} status`);
      expect(status).toMatch(/^upstream alpha +http/m);
      expect(status).toMatch(/^upstream beta +http/m);
      const [, id = ''] =
        /"id": "([^"]+)"/.exec(await onHost(installed.directory, `${quotaProxy} requests list --json`)) ?? [];
      expect(await onHost(installed.directory, `${quotaProxy} requests show ${id}`)).toMatch(
        /^prices +table 1: /m,
      );
      const write = 'docker compose exec -T quota-proxy sh -c ": >/etc/quota-proxy/upstreams.json"';
      await expect(onHost(installed.directory, write)).rejects.toThrow(/Read-only file system/);
      // The keys are in .env alone.
      expect((await stat(join(installed.directory, '.env'))).mode & 0o777).toBe(0o600);
      expect(await installed.env()).toMatch(/^ADMIN_TOKEN=[0-9a-f]{64}$/m);
      const override = await readFile(join(installed.directory, 'docker-compose.override.yml'), 'utf8');
      for (const secret of Object.values(KEYS)) {
        expect(operator.allSaid()).not.toContain(secret);
        expect(override).not.toContain(secret);
      }
    },
    BUILD_MS_MAX,
  );

  test("from then on these files are the host's, as .env is", async () => {
    const file = join(installed.directory, 'upstreams.json');
    const changed = (await readFile(file, 'utf8')).replace('"beta"', '"gamma"');
    await writeFile(file, changed);
    const image = `${NAME}:${await installed.current()}`;
    const { code, stdout } = await deploy('--image', image);
    expect(stdout).toContain(`Keeps ${installed.directory}/.env as it is: ${envFile} is not used`);
    expect(code).toBe(0);
    expect(await readFile(file, 'utf8')).toBe(changed);
    await onHost(installed.directory, 'docker compose restart quota-proxy && docker compose up -d --wait');
    const status = 'docker compose exec -T quota-proxy quota-proxy status';
    expect(await onHost(installed.directory, status)).toMatch(/^upstream gamma +http/m);
  });

  test('what the operator made there before is kept', async () => {
    await removeDeployment(NAME);
    const override = join(installed.directory, 'docker-compose.override.yml');
    const own = `${await readFile(override, 'utf8')}# mine\n`;
    await writeFile(override, own);
    await rm(join(installed.directory, '.env'));
    const { code, stdout } = await deploy();
    expect(stdout).toContain(`Keeps ${override} as it is`);
    expect(stdout).toContain(`Keeps ${installed.directory}/upstreams.json as it is`);
    expect(code).toBe(0);
    expect(await readFile(override, 'utf8')).toBe(own);
  });
});

function upstreamsAt(baseUrl: string): string {
  const upstreams = [
    { name: 'alpha', base_url: baseUrl, api_key_env: 'ALPHA_KEY' },
    { name: 'beta', base_url: baseUrl, api_key_env: 'BETA_KEY', priority: 1 },
  ];
  return JSON.stringify({ upstreams }, null, 2);
}
