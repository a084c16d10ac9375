import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { rawRequest } from '#test/fakes/raw-request.ts';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { events, startUpstreamServer } from '#test/fakes/upstream-server.ts';
import { notOnce, problemsOf, readDatabase } from './ledger-file.ts';

let directory: string;
let server: ServerProcess | undefined;
let upstream: UpstreamServer;

afterEach(async () => {
  await server?.kill9();
  await upstream.close();
  await rm(directory, { recursive: true });
});

const STREAMS = 50;
/** These never end by themselves. */
const ENDLESS = 10;
const NO_ANSWER = { status: 0, text: '' };
const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

test('D11: told to stop with 50 streams open, it is unready first, lets them end, and leaves nothing open', async () => {
  const [first = '', ...rest] = events(USAGE);
  const finish: (() => void)[] = [];
  upstream = await startUpstreamServer((_call, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(first);
    finish.push(() => response.end(rest.join('')));
  });
  directory = await mkdtemp(join(tmpdir(), 'drain-'));
  server = await startServer({
    directory,
    upstreamUrl: upstream.baseUrl,
    env: { DRAIN_TIMEOUT_MS: '2500' },
  });
  const { key } = await server.admin.keys.create({ body: { label: 'D11' } });
  const streams = await Promise.all(Array.from({ length: STREAMS }, () => beginStream(server, key)));
  const { port, baseUrl } = server;
  expect((await fetch(`${baseUrl}/readyz`)).status).toBe(200);

  const begun = await halfSent(port, 'GET /readyz HTTP/1.1\r\nHost: proxy.test\r\n');
  server.signal('SIGTERM');
  await expect.poll(() => rawRequest(port, ['GET /readyz HTTP/1.1', 'Host: proxy.test'])).toEqual(NO_ANSWER);
  begun.write('\r\n');
  const unready = await text(begun);
  expect(unready).toMatch(/^HTTP\/1\.1 503 /);
  expect(unready).toContain('"process":"stopping"');
  // The streams go on meanwhile: nobody's has ended.
  expect(readDatabase(server.storePath, openCount)).toBe(STREAMS);

  for (const end of finish.slice(0, STREAMS - ENDLESS)) end();
  const texts = await Promise.all(streams.map(({ rest: read }) => read));
  expect(await server.ended).toBe(0);
  expect(texts.filter((all) => all.endsWith('data: [DONE]\n\n'))).toHaveLength(STREAMS - ENDLESS);
  // The others were told why, and not just cut off.
  expect(texts.filter((all) => /\n\ndata: \{"error":.*\}\n\n$/.test(all))).toHaveLength(ENDLESS);

  const ids = streams.map(({ id }) => id);
  expect(new Set(ids).size).toBe(STREAMS);
  expect([...notOnce(server.storePath, ids)]).toEqual([]);
  expect(readDatabase(server.storePath, openCount)).toBe(0);
  expect(readDatabase(server.storePath, sources)).toEqual([
    { source: 'estimate', count: ENDLESS },
    { source: 'upstream', count: STREAMS - ENDLESS },
  ]);
  expect(problemsOf(server.storePath)).toEqual([]);
});

/** A stream of which the first event has come; `rest` is all of its text, however it ends. */
async function beginStream(under: ServerProcess | undefined, key: string) {
  const reply = await under?.chat(key, { stream: true });
  const reader = reply?.body?.pipeThrough(new TextDecoderStream()).getReader();
  const begun = await reader?.read();
  expect(begun?.value).toContain('data: ');
  async function rest(): Promise<string> {
    let all = begun?.value ?? '';
    try {
      for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read())
        all += read.value;
    } catch {
      all += ' (cut off)';
    }
    return all;
  }
  return { id: reply?.headers.get('x-request-id') ?? '', rest: rest() };
}

/** A connection on which a request has begun, and the server knows. */
async function halfSent(port: number, head: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  await new Promise((resolve) => socket.write(head, resolve));
  // An answer to what was sent later, on another connection, says that this was read.
  await rawRequest(port, ['GET /livez HTTP/1.1', 'Host: proxy.test']);
  return socket;
}

type Database = Parameters<Parameters<typeof readDatabase>[1]>[0];

function openCount(database: Database): unknown {
  const sql = "SELECT sum(CASE kind WHEN 'reserved' THEN 1 ELSE -1 END) FROM ledger";
  return database.prepare(sql).pluck().get();
}

function sources(database: Database): unknown[] {
  return database
    .prepare(
      `SELECT json_extract(details, '$.source') AS source, count(*) AS count FROM ledger
       WHERE kind = 'settled' GROUP BY source ORDER BY source`,
    )
    .all();
}
