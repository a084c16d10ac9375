import { mkdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADA, FOREIGN_FILES } from '#test/fakes/foreign-files.ts';
import { copyRepository } from '#test/readme-blocks.ts';
import { describeDocumented } from './describe-documented.ts';
import type { PrintedCommands } from './printed-commands.ts';
import { printedCommands, scriptOf } from './printed-commands.ts';

const PROJECT = 'import-docs-test';
const IMAGE = 'quota-proxy-test:import-docs';

/** One change-over, in the order of the page: each test goes on where the one before it ended. */
describeDocumented('the commands of docs/import.md, as printed', () => {
  let folder: string;
  let commands: PrintedCommands;

  const block = (word: string) => commands.block(word);
  const run = (script: string) => commands.run(script);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'import-docs-'));
    copyRepository(folder);
    const settings = { UPSTREAM_API_KEY: 'sk-of-the-sponsor-0123456789' };
    commands = printedCommands('docs/import.md', { folder, project: PROJECT, settings });
    const override = `services: { quota-proxy: { image: "${IMAGE}" } }\n`;
    await writeFile(join(folder, 'docker-compose.override.yml'), override);
    await run(scriptOf('README.md', 'compose'));
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
    expect(commands.leftOut()).toEqual([]);
  });
});

/** How a key is received by the server. */
async function statusOf(key: string): Promise<number> {
  const headers = { authorization: `Bearer ${key}` };
  return (await fetch('http://127.0.0.1:8787/v1/quota', { headers })).status;
}
