import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, unlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import manifest from '#package.json' with { type: 'json' };
import { copyRepository } from '#test/readme-blocks.ts';

const INSTALL_MS_MAX = 240_000;

/** S15. Only npm's own archives are needed, which `npm ci` has left in its cache. */
test(
  'with the runtime packages alone, installed without running any script of theirs, it serves from source',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'install-'));
    // Ten thousand files, on a disk that others use too.
    onTestFinished(() => rm(folder, { recursive: true }), INSTALL_MS_MAX);
    copyRepository(folder);
    unlinkSync(join(folder, 'node_modules'));
    const { PATH = '', HOME = '' } = process.env;
    const of = { cwd: folder, env: { PATH, HOME } };
    const args = ['ci', '--ignore-scripts', '--omit=dev', '--prefer-offline'];
    await promisify(execFile)('npm', args, of);
    const installed = readdirSync(join(folder, 'node_modules'));
    for (const name of Object.keys(manifest.devDependencies)) expect(installed).not.toContain(name);

    const main = join(folder, 'adapters/cli/main.ts');
    const server = spawn(process.execPath, [main, 'serve'], { ...of, env: { ...of.env, PORT: '0' } });
    const closed = once(server, 'close');
    onTestFinished(() => void server.kill('SIGKILL'));
    let said = '';
    for (const stream of [server.stdout, server.stderr])
      stream.on('data', (bytes: Buffer) => (said += bytes.toString()));
    const found = (pattern: RegExp) => vi.waitUntil(() => pattern.exec(said)?.[1], { timeout: 20_000 });
    const url = await found(/"url":"([^"]+)".*"msg":"listening"/);
    const key = await found(/A key to try it with,.*:\n\n {4}(\S+)\n/);
    const reply = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'demo-echo', messages: [{ role: 'user', content: 'Hello' }] }),
    });
    expect(await reply.json()).toMatchObject({ choices: [{ message: { content: 'Hello' } }] });
    server.kill('SIGTERM');
    expect(await closed).toEqual([0, null]);
  },
  INSTALL_MS_MAX,
);
