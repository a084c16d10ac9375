import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '#test/fakes/server-process.ts';
import { blocksOf } from '#test/readme-blocks.ts';
import { describeStack } from './docker.ts';
import type { Operator } from './operator.ts';
import { anOperator, removeDeployment } from './operator.ts';

const GUIDE = blocksOf('docs/upgrade.md');
const NAME = 'upgrade-docs-test';
const KEYS = 'docker compose exec -T quota-proxy quota-proxy keys';

/** One deployment, started by hand, upgraded, and gone back with: each test goes on where the one before it ended. */
describeStack('the commands of docs/upgrade.md, as printed', () => {
  let operator: Operator;
  let directory: string;
  const ran = new Set<string>();

  beforeAll(async () => {
    operator = await anOperator();
    directory = join(operator.folder, NAME);
    await writeFile(
      join(operator.checkout, '.env'),
      `ADMIN_TOKEN=0123456789abcdef0123456789abcdef\nUPSTREAM_API_KEY=sk-1\nPUBLISHED_PORT=${await freePort()}\n`,
      { mode: 0o600 },
    );
    // As somebody would who has no script: in a checkout on the host.
    await run(`cp -R . "$DIR" && cd "$DIR" && docker compose up -d --wait && ${KEYS} create --label Ada`);
  });

  afterAll(async () => {
    await removeDeployment(NAME);
    await operator?.stop();
  });

  test('without the script, in a checkout', async () => {
    const said = await run(`cd "$DIR"\n${block('checkout')}`);
    expect(said).toMatch(/backups\/quota-.*SHA-256[\s\S]*All is well\./);
    expect(await run(`docker image inspect --format '{{.Id}}' ${NAME}:before`)).toMatch(/^sha256:/);
  });

  test('the script upgrades what was started by hand', async () => {
    const said = await run(block('upgrade'));
    expect(said).toContain('the one that runs now (by-hand) back');
    expect(said).toMatch(/Backs up\n[\s\S]*is healthy; before it was 0-by-hand\n[\s\S]*All is well\./);
    expect(await labels()).toContain('Ada');
  });

  test('back to that, and to a release by hand', async () => {
    const RELEASE = await current();
    expect(await run(block('back'))).toMatch(/Release 0-by-hand .* is healthy; before it was/);
    expect(await current()).toBe('0-by-hand');
    await run(block('byhand'), { RELEASE });
    expect(await current()).toBe(RELEASE);
    expect(await labels()).toContain('Ada');
  });

  test('across a change of the tables: the copy is put in place, what came later is kept aside', async () => {
    await run(block('upgrade'));
    const copies = (await readdir(join(directory, 'backups'))).filter((name) => name.endsWith('.db')).sort();
    await run(`cd "$DIR" && ${KEYS} create --label Later`);
    await run(
      'cd "$DIR" && docker compose exec -T quota-proxy sqlite3 /data/quota.db "PRAGMA user_version = 99"',
    );
    const [RELEASE = ''] = (await releases()).slice(-2);
    const said = await run(block('tables'), { RELEASE, FILE: `backups/${copies.at(-1)}` });
    expect(said).toMatch(/: OK[\s\S]*\/data\/replaced-/);
    expect(await labels()).toContain('Ada');
    expect(await labels()).not.toContain('Later');
    expect(await current()).toBe(RELEASE);
  });

  test('nothing on the page was left out', () => {
    expect(ran).toEqual(new Set(GUIDE.map(({ by }) => by)));
  });

  function block(by: string): string {
    ran.add(by);
    return GUIDE.find((each) => each.by === by)?.script ?? 'false';
  }

  function run(script: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
    return operator.paste(script, { DIR: directory, ...env });
  }

  function labels(): Promise<string> {
    return run(`cd "$DIR" && ${KEYS} list`);
  }

  async function releases(): Promise<string[]> {
    return (await readdir(join(directory, 'releases'))).filter((name) => /^\d{8}T\d{6}Z$/.test(name)).sort();
  }

  async function current(): Promise<string> {
    return (await readFile(join(directory, 'releases/current'), 'utf8')).trim();
  }
});
