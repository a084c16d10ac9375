import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blocksOf, copyRepository } from '#test/readme-blocks.ts';
import { describeDocumented } from './describe-documented.ts';

describeDocumented('the commands that the README has for Docker, as printed', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'readme-compose-'));
    copyRepository(folder);
  });

  afterAll(async () => {
    await run('docker compose down --volumes --rmi all --timeout 5');
    await rm(folder, { recursive: true });
  });

  function run(script: string): Promise<{ stdout: string; stderr: string }> {
    const { PATH, HOME } = process.env;
    // A name of its own, so that nothing of an operator on this machine is touched.
    const env = {
      PATH,
      HOME,
      UPSTREAM_API_KEY: 'sk-of-the-sponsor-0123456789',
      UPSTREAM_CHECK: 'false',
      COMPOSE_PROJECT_NAME: 'readme-test',
    };
    return promisify(execFile)('bash', ['--norc', '-euo', 'pipefail', '-c', script], { cwd: folder, env });
  }

  test.each(blocksOf('README.md').filter(({ by }) => by === 'compose'))('$script', async ({ script }) => {
    expect((await run(script)).stdout).toMatch(/sk-[0-9A-Za-z]{39}/);
  });
});
