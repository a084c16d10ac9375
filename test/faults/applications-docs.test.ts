import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';
import { blocksOf } from '../readme-blocks.ts';

const ROOT = join(import.meta.dirname, '../..');
const BLOCKS = blocksOf('docs/applications.md');

let directory: string;
let upstream: UpstreamServer;
let server: ServerProcess;

/** What the page says to run in the container runs here from source; what makes containers does nothing. */
const DOCKER = `#!/bin/sh
[ "$1 $2" = "compose up" ] && exit 0
[ "$1 $2 $3 $4" = "compose exec quota-proxy quota-proxy" ] || { echo "what is docker $*?" >&2; exit 1; }
shift 4
exec "$NODE" "$MAIN" "$@"
`;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'applications-'));
  await mkdir(join(directory, 'bin'));
  await writeFile(join(directory, 'bin/docker'), DOCKER);
  await chmod(join(directory, 'bin/docker'), 0o755);
  upstream = await startUpstreamServer((_call, response) => sendJson(response, completion(1, 1)));
  await run(block('open'));
  const [, name = '', value = ''] =
    /^(\w+)=(.*)\n$/.exec(await readFile(join(directory, '.env'), 'utf8')) ?? [];
  server = await startServer({ directory, upstreamUrl: upstream.baseUrl, env: { [name]: value } });
});

afterAll(async () => {
  await server.kill9();
  await upstream.close();
  await rm(directory, { recursive: true });
});

function block(word: string): string {
  return BLOCKS.find(({ by }) => by === word)?.script ?? expect.fail(`there is no block ${word}`);
}

/** Runs a block as a person pastes it, at the server of this test. */
async function run(script: string, given: Readonly<Record<string, string>> = {}): Promise<string> {
  const port = server === undefined ? '' : String(server.port);
  const env = {
    PATH: `${directory}/bin:${process.env['PATH']}`,
    ...{ NODE: process.execPath, MAIN: join(ROOT, 'adapters/cli/main.ts') },
    ...{ PORT: port, ADMIN_TOKEN: SERVER_ADMIN_TOKEN, ...given },
  };
  const here = script.replaceAll('127.0.0.1:8787', `127.0.0.1:${port}`);
  const options = { cwd: directory, env };
  return (await promisify(execFile)('bash', ['--norc', '-euo', 'pipefail', '-c', here], options)).stdout;
}

test('the commands of docs/applications.md lead from the form to a key, as printed', async () => {
  const applied = JSON.parse(await run(block('apply')));
  const given = { ID: applied.id, CLAIM: applied.claim_token };
  expect(await run(block('list'))).toMatch(
    new RegExp(`^${applied.id} +Ada +pending +\\S+ \\S+ +@ada in the forum +A summary of papers$`, 'm'),
  );
  expect(JSON.parse(await run(block('claim'), given))).toMatchObject({ status: 'pending' });
  const status = await run('docker compose exec quota-proxy quota-proxy status');
  expect(status).toMatch(/^applications +1 wait for you$/m);
  const approved = await run(block('approve'), given);
  expect(approved).toMatch(/^status +approved$/m);
  expect(approved).toMatch(/^quotas +50 requests\/day$/m);
  expect(approved).toMatch(/^key expires +30 days after the claim$/m);
  const claimed = JSON.parse(await run(block('claim'), given));
  expect(claimed).toMatchObject({ status: 'claimed', key_terms: { models: ['deepseek-chat'] } });
  expect((await server.chat(claimed.key, { model: 'deepseek-chat' })).status).toBe(200);
  expect(JSON.parse(await run(block('claim'), given))).toEqual(claimed);
});

test('a rejection is told as the page says', async () => {
  const { id, claim_token } = JSON.parse(await run(block('apply')));
  expect(await run(block('reject'), { ID: id })).toMatch(/^told to the applicant +Full this month/m);
  const told = JSON.parse(await run(block('claim'), { CLAIM: claim_token }));
  expect(told).toMatchObject({
    status: 'rejected',
    rejection_reason: 'Full this month; ask again in December.',
  });
});
