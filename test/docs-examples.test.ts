import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { SERVER_ADMIN_TOKEN, startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';

const MODELS = JSON.stringify({ object: 'list', data: [{ id: 'deepseek-chat', object: 'model' }] });
/** What is not there in this server: the keys, receipts and applications of the examples, and backups. */
const NOT_HERE =
  /\/(keys|requests|backups|applications)\/[^/"]*\d|\/v1\/applications\/|\/admin\/backups|usage\/reset/;

/** A server starts in this time on a busy machine, too. */
const START_MS_MAX = 30_000;

let directory: string;
let upstream: UpstreamServer;
let server: ServerProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'docs-examples-'));
  upstream = await startUpstreamServer(({ url }, response) =>
    sendJson(response, url.endsWith('/models') ? MODELS : completion(10, 5)),
  );
  server = await startServer({
    directory,
    upstreamUrl: upstream.baseUrl,
    env: { APPLICATIONS: 'true' },
  });
}, START_MS_MAX);

afterAll(async () => {
  await server.stop();
  await upstream.close();
  await rm(directory, { recursive: true });
});

test('every example of the page is a command that works', async () => {
  const { key } = await server.admin.keys.create();
  const page = await (await fetch(`${server.baseUrl}/docs/en`)).text();
  const examples = [...page.matchAll(/<code>(curl [\s\S]*?)<\/code>/g)].map(([, text = '']) =>
    unescaped(text),
  );
  expect(examples.length).toBeGreaterThan(25);
  const script = examples.map((each) => `${each} -o /dev/null -w '%{http_code}\\n'`).join('\n');
  const env = { ...process.env, URL: server.baseUrl, KEY: key, ADMIN_TOKEN: SERVER_ADMIN_TOKEN };
  const { stdout } = await promisify(execFile)('bash', ['-euc', script], { env });
  const statuses = stdout.trim().split('\n').map(Number);
  expect(statuses).toHaveLength(examples.length);
  for (const [index, example] of examples.entries()) {
    const expected = NOT_HERE.test(example) ? [404, 409] : [200, 201];
    expect.soft(expected, example).toContain(statuses[index]);
  }
});

function unescaped(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
