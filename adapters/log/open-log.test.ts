import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RequestEnded } from '#core/observer.ts';
import { SERVED } from '#test/fakes/served.ts';
import type { LogLevel } from './open-log.ts';
import { openLog } from './open-log.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'log-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

async function written(
  level: LogLevel,
  secrets: readonly string[],
  write: (log: ReturnType<typeof openLog>) => void,
) {
  const path = join(directory, 'log');
  const destination = openSync(path, 'a');
  const log = openLog({ level, destination, secrets });
  write(log);
  await log.close();
  log.noticed('too late', {});
  return readFileSync(path, 'utf8');
}

test('what has no price has no cost, and a probe is worth a line only to those who look closely', async () => {
  const { used } = SERVED.charge ?? { used: { requests: 1, tokens: 12, cost: 0 } };
  const unpriced: RequestEnded = { ...SERVED, charge: { used, source: 'estimate', priced: false } };
  const line = JSON.parse(await written('info', [], (log) => log.requestEnded(unpriced)));
  expect(line).toMatchObject({ cost_micros: null, source: 'estimate' });
  for (const route of ['/healthz', '/livez', '/readyz', '/metrics']) {
    rmSync(join(directory, 'log'), { force: true });
    expect(await written('info', [], (log) => log.requestEnded({ ...SERVED, route }))).toBe('');
    const text = await written('debug', [], (log) => log.requestEnded({ ...SERVED, route }));
    expect(JSON.parse(text)).toMatchObject({ route, level: 'debug' });
  }
});

test('a request is one line of JSON, its names in snake_case', async () => {
  const line = JSON.parse(await written('info', [], (log) => log.requestEnded(SERVED)));
  expect(line).toEqual({
    level: 'info',
    time: expect.any(Number),
    msg: 'request',
    request_id: SERVED.requestId,
    key_id: SERVED.keyId,
    address: '203.0.113.7',
    method: 'POST',
    route: '/v1/chat/completions',
    model: 'demo',
    upstream: 'upstream',
    status: 200,
    reason: null,
    prompt_tokens: 7,
    completion_tokens: 5,
    cached_tokens: 3,
    cache_written_tokens: 0,
    reasoning_tokens: 2,
    cost_micros: 34,
    source: 'upstream',
    store_ms: 0.12,
    upstream_ms: 11,
    added_ms: 0.57,
    duration_ms: 12,
  });
});

test.each([
  { level: 'trace', lines: ['info', 'info', 'error'] },
  { level: 'info', lines: ['info', 'info', 'error'] },
  { level: 'warn', lines: ['error'] },
  { level: 'error', lines: ['error'] },
  { level: 'fatal', lines: [] },
  { level: 'silent', lines: [] },
] as const)('LOG_LEVEL $level lets $lines through', async ({ level, lines }) => {
  const text = await written(level, [], (log) => {
    log.requestEnded(SERVED);
    log.noticed('a notice', { count: 3 });
    log.failed('a failure', new Error('why'), {});
  });
  expect(
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).level),
  ).toEqual(lines);
});

test('a secret is in no line, wherever it was: message, field, error, cause', async () => {
  const secret = 'tok"en-0123456789\\abcdef';
  const text = await written('info', [secret, ''], (log) => {
    log.noticed(`said ${secret}`, { deep: { header: `Bearer ${secret}` } });
    log.failed('failed', new Error(`at ${secret}`, { cause: new Error(secret) }), {
      url: `http://${secret}@host`,
    });
    log.failed('failed', secret, {});
  });
  expect(text).not.toContain('0123456789');
  expect(text.match(/\[redacted\]/g)?.length).toBeGreaterThanOrEqual(5);
  for (const line of text.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
});

test('an error is logged in full', async () => {
  const error = new Error('outer', { cause: new Error('inner') });
  const line = JSON.parse(
    await written('info', [], (log) => log.failed('it failed', error, { request_id: 'r' })),
  );
  expect(line).toMatchObject({ level: 'error', msg: 'it failed', request_id: 'r' });
  expect(line.err.stack).toContain('open-log.test.ts');
  expect(line.err.stack).toContain('inner');
});
