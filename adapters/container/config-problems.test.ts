import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { configProblems } from '#test/fakes/config-problems.ts';

test('all problems are told at once', () => {
  const directory = mkdtempSync(join(tmpdir(), 'config-problems-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const prices = join(directory, 'prices.json');
  writeFileSync(prices, '{"version": "", "currency": "dollar", "models": {"m": {"input": -1, "extra": 0}}}');
  const env = {
    NODE_ENV: 'production',
    PORT: 'x',
    LOG_LEVEL: 'x',
    STORE_URL: 'x',
    KEY_PEPPER_FILE: '/no',
    PRICES_FILE: prices,
    BACKUP_TARGET: 'x',
    BACKUP_SCHEDULE: 'x',
    BACKUP_DRILL_SCHEDULE: 'x',
    BACKUP_KEEP: 'x',
    BACKUP_ENCRYPTION_KEY: 'x',
    WEBHOOK_URL: 'https://example.org/hook',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'x',
  };
  const problems = configProblems(env);
  const names = problems.map((problem) => problem.split(/:? /)[0]);
  expect(new Set(names)).toEqual(
    new Set([...Object.keys(env), 'ADMIN_TOKEN', 'UPSTREAM_API_KEY'].filter((name) => name !== 'NODE_ENV')),
  );
  for (const place of ['version', 'currency', 'models → m → input', 'models → m → output', 'models → m'])
    expect(problems.some((problem) => problem.startsWith(`PRICES_FILE is '${prices}': ${place}: `))).toBe(
      true,
    );
});

test('what is compared with a setting that is wrong is compared when that is right', () => {
  const wrong = { UPSTREAM_TIMEOUT_MS: 'x', UPSTREAM_EXCHANGE_TIMEOUT_MS: '5', RESTORE_IF_MISSING: 'x' };
  expect(configProblems(wrong).map((problem) => problem.split(' ')[0])).toEqual([
    'RESTORE_IF_MISSING',
    'UPSTREAM_TIMEOUT_MS',
  ]);
});

test('no problem shows a secret', () => {
  const env = {
    ADMIN_TOKEN: 'secret-1',
    UPSTREAM_API_KEY: 'secret 2',
    DEEPSEEK_API_KEY: 'secret-3',
    KEY_PEPPER: 'secret-4',
    UPSTREAM_BASE_URL: 'http://secret-5@x',
    METRICS_TOKEN: 'secret-6',
  };
  const problems = configProblems(env);
  expect(problems).toHaveLength(6);
  expect(problems.join()).not.toMatch(/secret.\d/);
});
