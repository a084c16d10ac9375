import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { ServerProcess } from '#test/fakes/server-process.ts';
import { startServer } from '#test/fakes/server-process.ts';
import type { UpstreamServer } from '#test/fakes/upstream-server.ts';
import { completion, sendJson, startUpstreamServer } from '#test/fakes/upstream-server.ts';
import { isDurableFirst } from './durable-first.ts';

let directory: string;
let server: ServerProcess | undefined;
let upstream: UpstreamServer | undefined;

afterEach(async () => {
  await server?.kill9();
  await upstream?.close();
  await rm(directory, { recursive: true });
});

const hasStrace = spawnSync('strace', ['-V']).status === 0;
const CALLS = 'trace=fsync,fdatasync,pwrite64,pwritev,write,writev,sendto,sendmsg';

test.skipIf(!hasStrace)(
  'D2: the log is synced before the upstream is asked and the client answered',
  async () => {
    directory = await mkdtemp(join(tmpdir(), 'sync-'));
    upstream = await startUpstreamServer((_call, response) => sendJson(response, completion(10, 5)));
    server = await startServer({ directory, upstreamUrl: upstream.baseUrl });
    const { key } = await server.admin.keys.create({ body: { label: 'D2' } });
    await (await server.chat(key)).text();

    const trace = await traced(server.pid, async () => {
      expect((await server?.chat(key))?.status).toBe(200);
    });
    expect(isDurableFirst(trace), trace).toBe(true);

    // The same check of what a store would leave behind that does not sync, or syncs too late.
    const lines = trace.split('\n');
    const isSync = (line: string) => /fsync|fdatasync/.test(line);
    const unsynced = lines.filter((line) => !isSync(line));
    expect(isDurableFirst(unsynced.join('\n'))).toBe(false);
    expect(isDurableFirst([...unsynced, ...lines.filter(isSync)].join('\n'))).toBe(false);
  },
);

/** What the system was asked for by a process and all its threads while `work` was done. */
async function traced(pid: number, work: () => Promise<void>): Promise<string> {
  const file = join(directory, 'trace');
  const args = ['-f', '-y', '-s', '64', '-e', CALLS, '-o', file, '-p', String(pid)];
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  await once(strace.stderr, 'data'); // "Process … attached with … threads"
  await work();
  strace.kill('SIGINT');
  await once(strace, 'close');
  return readFile(file, 'utf8');
}
