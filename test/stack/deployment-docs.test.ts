import { appendFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '#test/fakes/server-process.ts';
import { blocksOf } from '#test/readme-blocks.ts';
import { describeStack } from './docker.ts';
import type { Operator } from './operator.ts';
import { anOperator, removeDeployment } from './operator.ts';

const GUIDE = blocksOf('docs/deployment.md');
const NAME = 'deployment-docs-test';

/** From the first command of the page to the last, as printed. */
describeStack('the commands of docs/deployment.md, as printed', () => {
  let operator: Operator;
  let directory: string;
  const ran = new Set<string>();

  beforeAll(async () => {
    operator = await anOperator();
    directory = join(operator.folder, NAME);
  });

  afterAll(async () => {
    for (const name of ['checkout-test', NAME, `${NAME}-2`]) await removeDeployment(name);
    await operator?.stop();
  });

  test('by hand, in a checkout', async () => {
    await writeFile(join(operator.checkout, '.env'), `PUBLISHED_PORT=${await freePort()}\n`, { mode: 0o600 });
    const said = await run(`exec 2>&1\n${block('hand')}`);
    expect(said).toContain('All is well.');
    // The image is called as the directory: in a registry there may be another of that name.
    expect(said).not.toContain('Pulling');
    expect((await stat(join(operator.checkout, '.env'))).mode & 0o777).toBe(0o600);
  });

  test('by script: the settings, a dry run, and the deployment', async () => {
    await run(block('settings'));
    await appendFile(join(operator.checkout, 'host.env'), `PUBLISHED_PORT=${operator.port}\n`);
    const said = await run(block('script'));
    expect(said).toMatch(/Nothing was changed\.\nCopies release [\s\S]*All is well\./);
    const env = await readFile(join(directory, '.env'), 'utf8');
    expect(env).toMatch(/^UPSTREAM_API_KEY=sk-of-the-sponsor-0123456789$/m);
    expect(env).toMatch(/^ADMIN_TOKEN=[0-9a-f]{64}$/m);
  });

  test('what is where is what the page says', async () => {
    const page = await readFile(join(operator.checkout, 'docs/deployment.md'), 'utf8');
    for (const name of await readdir(directory)) {
      if (name !== '.deploy.lock') expect(page).toMatch(new RegExp(`\\\`${name}/?\\\``));
    }
    const script = await readFile(join(operator.checkout, 'scripts/deploy.sh'), 'utf8');
    const lists = [...script.matchAll(/^FOR_\w+=\((.*)\)$/gm)].flatMap(([, names = '']) => names.split(' '));
    expect(lists).toHaveLength(14);
    for (const name of lists) expect(page).toContain(`\`${name}\``);
  });

  test('verified, with a first key, and after a change', async () => {
    expect(await run(block('verify'))).toContain('All is well.');
    expect(await run(block('first'))).toMatch(/sk-[0-9A-Za-z]{39}/);
    await run(block('change'));
    expect(await run(block('verify'))).toContain('All is well.');
  });

  test('a second one on the same host, beside the first', async () => {
    expect(await run(block('second'))).toContain('port: 127.0.0.1:8788');
    expect(await run(block('verify'))).toContain(`port: 127.0.0.1:${operator.port}`);
  });

  test('uninstalled, with a last copy kept', async () => {
    await run(block('uninstall'));
    expect(await readdir(operator.folder)).not.toContain(NAME);
    expect(await readdir(join(operator.folder, 'quota-proxy-last'))).toEqual([
      'pepper.keep',
      expect.stringMatching(/^quota-.*\.db$/),
      expect.stringMatching(/^quota-.*\.db\.sha256$/),
    ]);
    const left = await run(`docker volume ls --quiet; docker image ls --format '{{.Repository}}'; docker ps`);
    expect(left).not.toMatch(new RegExp(`^${NAME}(_|$)`, 'm'));
  });

  test('nothing on the page was left out', () => {
    expect(ran).toEqual(new Set(GUIDE.map(({ by }) => by)));
  });

  function block(by: string): string {
    ran.add(by);
    return GUIDE.find((each) => each.by === by)?.script ?? 'false';
  }

  function run(script: string): Promise<string> {
    return operator.paste(script, { DIR: directory });
  }
});
