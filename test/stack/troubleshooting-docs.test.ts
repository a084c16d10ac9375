import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MessageName } from '#test/faults/known-messages.ts';
import { patternOf } from '#test/faults/known-messages.ts';
import { copyRepository } from '#test/readme-blocks.ts';
import { describeDocumented } from './describe-documented.ts';
import { ADMIN_TOKEN } from './docker.ts';
import type { PrintedCommands } from './printed-commands.ts';
import { printedCommands } from './printed-commands.ts';

const PROJECT = 'trouble-docs-test';
const IMAGE = 'quota-proxy-test:trouble-docs';

/** One server's life, in the order of the page: each test goes on where the one before it ended. */
describeDocumented('the commands of docs/troubleshooting.md, as printed', () => {
  let folder: string;
  let commands: PrintedCommands;
  let key: string;

  const block = (word: string) => commands.block(word);
  const run = (script: string) => commands.run(script);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trouble-docs-'));
    copyRepository(folder);
    const settings = {
      ADMIN_TOKEN,
      // Nobody listens there.
      UPSTREAM_BASE_URL: 'http://127.0.0.1:9/v1',
      UPSTREAM_API_KEY: 'sk-of-the-sponsor-0123456789',
      BACKUP_TARGET: 'file:///data/vault',
    };
    commands = printedCommands('docs/troubleshooting.md', { folder, project: PROJECT, settings });
    const override = `services: { quota-proxy: { image: "${IMAGE}" } }\n`;
    await writeFile(join(folder, 'docker-compose.override.yml'), override);
    await run('docker compose up -d --wait --build');
    key = (await run('docker compose exec quota-proxy quota-proxy keys create --label Ada')).trim();
    await run('docker compose exec quota-proxy mkdir /data/vault');
    await run('docker compose exec quota-proxy quota-proxy backup now');
  });

  afterAll(async () => {
    await run('docker compose down --volumes --timeout 5');
    await run(`docker image rm ${IMAGE}`);
    await rm(folder, { recursive: true });
  });

  test('what is wrong is looked up', async () => {
    const said = await run(block('look'));
    expect(said).toContain('"msg":"listening"');
    expect(said).toMatch(patternOf('unreachable'));
    expect(said).toMatch(/^WARNING +The upstream /m);
    expect(said).toContain('/data/quota.db is well.');
  });

  test('a volume that belongs to somebody else is given to the user of the image', async () => {
    await run('docker compose stop quota-proxy');
    await asRoot('chown -R 0:0 /data');
    // The image's own is everybody's, as /tmp is; a folder of the host is not.
    await asRoot('chmod 755 /data');
    await refusedWith('unwritableDirectory');
    await run(block('own'));
    await hasKey();
  });

  test('a damaged database is kept, and the newest backup is restored', async () => {
    await run('docker compose stop quota-proxy');
    await run('docker compose run --rm --no-deps quota-proxy truncate -s 8192 /data/quota.db');
    await refusedWith('damagedBackups');
    await run(block('damaged'));
    await hasKey();
    const kept = await run("docker compose exec quota-proxy sh -c 'stat -c %s /data/replaced-*/quota.db'");
    expect(kept.trim()).toBe('8192');
  });

  test('a memory limit that is too small is one line; with the least that is allowed it serves', async () => {
    const limited = (limit: string, command: string) =>
      `docker run --rm --memory ${limit} --memory-swap ${limit} -e ADMIN_TOKEN -e UPSTREAM_API_KEY ${command}`;
    const { stderr } = await failure(limited('100m', IMAGE));
    expect(stderr).toMatch(/^quota-proxy: [^\n]+\n$/);
    expect(stderr).toMatch(patternOf('littleMemory'));
    const name = `${PROJECT}-little`;
    await run(limited('128m', `-d --name ${name} ${IMAGE}`));
    try {
      const healthy = () => run(`docker inspect -f '{{.State.Health.Status}}' ${name}`);
      await expect.poll(healthy, { timeout: 60_000, interval: 500 }).toBe('healthy\n');
      const status = await run(
        `docker exec ${name} sh -c 'node -e "fetch(\\"http://127.0.0.1:8787/admin/status\\",{headers:{authorization:\\"Bearer \\"+process.env.ADMIN_TOKEN}}).then(r=>r.text()).then(console.log)"'`,
      );
      expect(status).toMatch(patternOf('scarceMemory'));
    } finally {
      await run(`docker rm -f ${name}`);
    }
  });

  async function refusedWith(name: MessageName): Promise<void> {
    const { stderr } = await failure('docker compose run --rm --no-deps quota-proxy');
    const lines = stderr.split('\n').filter((line) => line.includes('quota-proxy: '));
    expect(lines).toEqual([expect.stringMatching(patternOf(name))]);
  }

  async function hasKey(): Promise<void> {
    const listed = await run('docker compose exec quota-proxy quota-proxy keys list');
    expect(key).not.toBe('');
    expect(listed).toContain('Ada');
  }

  function asRoot(command: string): Promise<string> {
    return run(
      `docker compose run --rm --no-deps --user root --cap-add CHOWN --cap-add DAC_OVERRIDE quota-proxy ${command}`,
    );
  }

  async function failure(script: string): Promise<{ stderr: string }> {
    const error: unknown = await run(script).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 1 });
    return error as { stderr: string };
  }
});
