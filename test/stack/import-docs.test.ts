import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADA, FOREIGN_FILES } from '#test/fakes/foreign-files.ts';
import { blocksOf, copyRepository } from '#test/readme-blocks.ts';
import { describeStack } from './docker.ts';

const GUIDE = blocksOf('docs/import.md');
const README = blocksOf('README.md');
const PROJECT = 'import-docs-test';
const IMAGE = 'quota-proxy-test:import-docs';

/** One change-over, in the order of the page: each test goes on where the one before it ended. */
describeStack('the commands of docs/import.md, as printed', () => {
  let folder: string;
  const ran = new Set<string>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'import-docs-'));
    copyRepository(folder);
    const override = `services: { quota-proxy: { image: "${IMAGE}" } }\n`;
    await writeFile(join(folder, 'docker-compose.override.yml'), override);
    await run(README.find(({ by }) => by === 'compose')?.script ?? 'false');
    mkdirSync(join(folder, 'data'));
    FOREIGN_FILES.oneApi(join(folder, 'data/one-api.db'), Date.now());
  });

  afterAll(async () => {
    await run('docker compose down --volumes --timeout 5');
    await run(`docker image rm ${IMAGE}`);
    await rm(folder, { recursive: true });
  });

  test('the copy gets to the server, and without prices nothing is imported', async () => {
    await run('command -v sqlite3').catch(() =>
      expect.fail('sqlite3 is needed here: apt-get install sqlite3'),
    );
    await run(block('copy'));
    await expect(run('docker compose exec -T quota-proxy quota-proxy import /data/old.db')).rejects.toThrow(
      'PRICES_FILE',
    );
    expect(await statusOf(ADA.oneApi)).toBe(401);
  });

  test('with prices, a dry run tells of each key, and changes nothing', async () => {
    await run(block('prices'));
    const said = await run(block('dry'));
    expect(said).toMatch(
      /^sk-AdaA…da01 +Ada +would be imported +enabled +never +2500000 micros in total +3 +3$/m,
    );
    expect(said).toContain('Keys: 7 would be imported, 0 here already, 0 refused, 0 left out.');
    expect(said).toContain('cannot use them: demo.');
    expect(said).toContain('Nothing was changed.');
    expect(await statusOf(ADA.oneApi)).toBe(401);
  });

  test('the import, and what is seen of it', async () => {
    const said = await run(block('import'));
    expect(said).toContain('Keys: 7 imported, 0 here already, 0 refused, 0 left out.');
    expect(said).toMatch(/^[0-9a-f-]{36} +sk-AdaA…da01 +Ada +active +1500000 of 2500000 cost in total/m);
    expect(said).toContain('/data/quota.db is well.');
    expect(await statusOf(ADA.oneApi)).toBe(200);
    const again = await run('docker compose exec -T quota-proxy quota-proxy import /data/old.db');
    expect(again).toContain('Keys: 0 imported, 7 here already, 0 refused, 0 left out.');
  });

  test('no copy is left', async () => {
    await run(block('clean'));
    expect(await run('ls; docker compose exec -T quota-proxy ls /data')).not.toContain('old.db');
  });

  test('nothing on the page was left out', () => {
    expect(ran).toEqual(new Set(GUIDE.map(({ by }) => by)));
  });

  function block(by: string): string {
    ran.add(by);
    const found = GUIDE.filter((each) => each.by === by);
    expect(found, by).toHaveLength(1);
    return found[0]?.script ?? 'false';
  }

  async function run(script: string): Promise<string> {
    const { PATH, HOME, DOCKER_HOST } = process.env;
    const env = {
      PATH,
      HOME,
      ...(DOCKER_HOST !== undefined && { DOCKER_HOST }),
      UPSTREAM_API_KEY: 'sk-of-the-sponsor-0123456789',
      // A name of its own, so that nothing of an operator on this machine is touched.
      COMPOSE_PROJECT_NAME: PROJECT,
    };
    const shell = ['--norc', '-euo', 'pipefail', '-c', script];
    return (await promisify(execFile)('bash', shell, { cwd: folder, env })).stdout;
  }
});

/** How a key is received by the server. */
async function statusOf(key: string): Promise<number> {
  const headers = { authorization: `Bearer ${key}` };
  return (await fetch('http://127.0.0.1:8787/v1/quota', { headers })).status;
}
