import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blocksOf, copyRepository } from '#test/readme-blocks.ts';
import { describeDocumented } from './describe-documented.ts';
import { keyIn } from './documented-deployment.ts';
import type { Given, PrintedCommands } from './printed-commands.ts';
import { printedCommands, scriptOf } from './printed-commands.ts';

const README = blocksOf('README.md');
const PROJECT = 'backup-docs-test';
const IMAGE = 'quota-proxy-test:backup-docs';
const BASE_URL = 'http://127.0.0.1:8787';

/** One server's life, in the order of the page: each test goes on where the one before it ended. */
describeDocumented('the commands of docs/backup.md, as printed', () => {
  let folder: string;
  let commands: PrintedCommands;
  let ada: string;
  let late: string;

  const block = (word: string) => commands.block(word);
  const run = (script: string, given?: Given) => commands.run(script, given);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'backup-docs-'));
    copyRepository(folder);
    const settings = { UPSTREAM_API_KEY: 'sk-of-the-sponsor-0123456789', UPSTREAM_CHECK: 'false' };
    commands = printedCommands('docs/backup.md', { folder, project: PROJECT, settings });
    await writeFile(
      join(folder, 'docker-compose.override.yml'),
      `services: { quota-proxy: { image: "${IMAGE}" } }\n`,
    );
    ada = keyIn(await run(scriptOf('README.md', 'compose')));
  });

  afterAll(async () => {
    await run('docker compose --profile s3 down --volumes --timeout 5');
    await run(`docker image rm ${IMAGE}`);
    await rm(folder, { recursive: true });
  });

  test('switched on, with the store of the profile, a backup is made, listed and restored in a drill', async () => {
    await run(block('on'));
    const said = await run(block('look'));
    const listed = said.split('\n').filter((line) => /^\d{8}T\d{6}Z .* yes +yes +/.test(line));
    expect(listed.join('\n')).toContain('restores, ');
    expect(said).toMatch(/^backups +s3:\/\/quota-proxy\/main, encrypted$/m);
    expect(said).toMatch(/^last drill +.* ago, it restores$/m);
    expect(said).not.toContain('WARNING');
  });

  test("the README's commands do the same", async () => {
    const [make, restore] = README.filter(({ by }) => by === 'backup');
    expect(await run(make?.script ?? 'false')).toMatch(/ yes +\d+ s +/);
    expect(await run(restore?.script ?? 'false')).toContain('/data/replaced-');
    expect(await statusOf(ada)).toBe(200);
  });

  test('what must be kept elsewhere is complete, and for its owner alone', async () => {
    await run(block('keep'));
    const [pepper, kit, env] = await Promise.all(['pepper.keep', 'kit.keep', '.env'].map(read));
    expect(kit).toContain(`KEY_PEPPER=${pepper?.trim()}`);
    expect(kit).toContain(/^BACKUP_ENCRYPTION_KEY=.+$/m.exec(env ?? '')?.[0]);
    for (const name of ['pepper.keep', 'kit.keep', '.env'])
      expect((await stat(join(folder, name))).mode & 0o077).toBe(0);
  });

  test('the database of a moment has what was there, and not what came later', async () => {
    await run('docker compose exec quota-proxy quota-proxy backup now');
    const AT = new Date().toISOString();
    late = keyIn(await run('docker compose exec quota-proxy quota-proxy keys create --label Late'));
    const seen = await run(block('point'), { AT });
    expect(seen).toContain('Ada');
    expect(seen).not.toContain('Late');
  });

  test('after the loss of the volume, pepper included, every key works again', async () => {
    // Stopped as an orchestrator does: what was recorded last is in the vault by then.
    await run('docker compose rm --stop --force quota-proxy');
    await run(`docker volume rm ${PROJECT}_quota-data`);
    expect(await run(block('new'))).toContain('/data/quota.db is well.');
    expect(await statusOf(ada)).toBe(200);
    expect(await statusOf(late)).toBe(200);
  });

  test('a database that is there is kept aside', async () => {
    const said = await run(block('same'));
    expect(said).toContain('/data/replaced-');
    expect(said).toContain('/data/quota.db is well.');
    expect(await statusOf(late)).toBe(200);
  });

  test('a backup opens with age, zstd and sqlite3 alone', async () => {
    await run('for program in age zstd sqlite3; do command -v $program; done').catch(() =>
      expect.fail('age, zstd and sqlite3 are needed here: apt-get install age zstd sqlite3'),
    );
    const said = await run(block('hand'));
    expect(said).toMatch(/^[0-9a-f]{64}$/m);
    expect(said).toMatch(/^Ada\|0\|0$/m);
    expect(said).toContain('{"quota_proxy":"segment"');
  });

  test('without S3: copies beside the server, and a restore from the newest', async () => {
    const said = await run(`${block('copy')}${block('copy')}`);
    const names = (await readdir(join(folder, 'backups'))).filter((name) => name.endsWith('.db'));
    expect(names).toHaveLength(2);
    expect(said.match(/SHA-256 [0-9a-f]{64}$/gm)).toHaveLength(2);
    for (const name of await readdir(join(folder, 'backups')))
      expect((await stat(join(folder, 'backups', name))).mode & 0o777).toBe(0o600);
    const left = await run('docker compose exec quota-proxy ls /data');
    expect(left).not.toContain('backup-sh');
    const lost = keyIn(await run('docker compose exec quota-proxy quota-proxy keys create --label Lost'));

    expect(await run(block('copied'), { FILE: `backups/${names.sort().at(-1)}` })).toContain(': OK');
    expect(await statusOf(late)).toBe(200);
    expect(await statusOf(lost)).toBe(401);
    // What was restored from a copy goes on with its backups.
    await run('docker compose exec quota-proxy quota-proxy backup now');
  });

  test('nothing on the page was left out', () => {
    expect(commands.leftOut()).toEqual([]);
  });

  function read(name: string): Promise<string> {
    return readFile(join(folder, name), 'utf8');
  }
});

/** How a key is received by the server. */
async function statusOf(key: string): Promise<number> {
  return (await fetch(`${BASE_URL}/v1/quota`, { headers: { authorization: `Bearer ${key}` } })).status;
}
