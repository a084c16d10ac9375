import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyRepository } from '#test/readme-blocks.ts';
import { describeDocumented } from './describe-documented.ts';
import { PROMETHEUS_IMAGE } from './images.ts';
import type { PrintedCommands } from './printed-commands.ts';
import { printedCommands } from './printed-commands.ts';

const PROJECT = 'monitoring-docs-test';
const PROMETHEUS = 'http://127.0.0.1:9090';

/** What of a dashboard's panel is asked of Prometheus. */
interface Panel {
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

describeDocumented('docs/monitoring.md, with the real Prometheus', () => {
  let folder: string;
  let commands: PrintedCommands;

  const block = (word: string) => commands.block(word);
  const run = (script: string) => commands.run(script);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'monitoring-docs-'));
    copyRepository(folder);
    const settings = {
      UPSTREAM_API_KEY: 'sk-of-the-sponsor-0123456789',
      // Where nothing listens: what fails is counted, too.
      UPSTREAM_BASE_URL: 'http://127.0.0.1:9/v1',
    };
    commands = printedCommands('docs/monitoring.md', { folder, project: PROJECT, settings });
    await edit('docs/examples/prometheus/compose.yml', (text) =>
      text.replace(/image: prom\/prometheus.*/, `image: ${PROMETHEUS_IMAGE}`),
    );
    // What takes minutes on a real deployment must not take them here.
    await edit('docs/examples/prometheus/prometheus.yml', (text) => text.replaceAll('15s', '1s'));
    await writeFile(join(folder, '.env'), 'ADMIN_TOKEN=5b1e09c3d7f24a8896e0b1c2d3f4a5b6\n');
    await run('docker compose up -d --wait');
  });

  afterAll(async () => {
    await run('docker compose down --volumes --timeout 5');
    await run(`docker image rm ${PROJECT}`);
    await rm(folder, { recursive: true });
  });

  test('the status is what a person reads', async () => {
    expect(await run(block('status'))).toMatch(/^version +\d+\.\d+\.\d+$/m);
  });

  test('the metrics are for who has their token, and Prometheus gets them', async () => {
    await run(block('on'));
    expect(await run(block('raw'))).toContain('quota_proxy_backup_enabled 0');
    expect((await fetch('http://127.0.0.1:8787/metrics')).status).toBe(401);
    const value = async () => JSON.parse(await run(block('ask'))).data.result[0]?.value[1];
    await expect.poll(value, { timeout: 30_000, interval: 500 }).toBe('0');
  });

  test("each of the dashboard's questions is one that Prometheus understands, and most have an answer", async () => {
    const { key } = await makeKey('Dashboard');
    for (let n = 0; n < 5; n += 1) await chat(key);
    const { panels } = JSON.parse(await read('docs/examples/grafana/dashboard.json')) as { panels: Panel[] };
    const asked = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
    expect(asked.length).toBeGreaterThan(30);
    const silent = async () => {
      const empty: string[] = [];
      for (const { title, expr } of asked) {
        const { status, error, data } = await query(expr.replaceAll('$__rate_interval', '30s'));
        expect({ title, status, error }).toEqual({ title, status: 'success', error: undefined });
        if (data.result.length === 0) empty.push(title);
      }
      return [...new Set(empty)];
    };
    // No backups are made here, the sponsor has no quota, and nothing has a price or an answer of the upstream.
    await expect.poll(silent, { timeout: 60_000, interval: 2_000 }).toEqual(UNANSWERED);
  });

  test('every alert of the file is watched, none of them is in error, and what is wrong makes one fire', async () => {
    const rules = await ruleStates();
    const names = [...(await read('docs/examples/prometheus/alerts.yml')).matchAll(/- alert: (\w+)/g)];
    expect(Object.keys(rules)).toEqual(names.map(([, name]) => name));
    for (const [name, { health }] of Object.entries(rules))
      expect({ name, health }).toEqual({ name, health: 'ok' });
    expect(rules['QuotaProxyAbnormalAccess']?.state).toBe('inactive');
    for (let n = 0; n < 21; n += 1) await fetch('http://127.0.0.1:8787/v1/quota');
    const state = async () => (await ruleStates())['QuotaProxyAbnormalAccess']?.state;
    await expect.poll(state, { timeout: 30_000, interval: 500 }).toBe('firing');
    expect(await run(block('status'))).toMatch(/^ABNORMAL +.* had no valid key or token\.$/m);
  });

  test("every alert has a test of promtool's that it fires, and one that it does not", async () => {
    expect(await run(block('alerts'))).toContain('SUCCESS');
    const [alerts, tests] = await Promise.all(
      ['alerts.yml', 'alerts.test.yml'].map((name) => read(`docs/examples/prometheus/${name}`)),
    );
    for (const [, name] of alerts?.matchAll(/- alert: (\w+)/g) ?? []) {
      expect(tests).toContain(`name: ${name} fires`);
      expect(tests).toContain(`name: ${name} is silent`);
    }
  });

  test('the log has a line for each request, with what the page says is in it', async () => {
    const lines = (await run(block('log'))).trim().split('\n');
    expect(lines).toHaveLength(5);
    const page = await read('docs/monitoring.md');
    // Some versions of Compose write what clears a line of a terminal before it.
    const [line = ''] = lines.map((each) => each.slice(each.indexOf('{')));
    for (const name of Object.keys(JSON.parse(line))) {
      if (!['level', 'time', 'msg'].includes(name)) expect(page).toContain(`\`${name}\``);
    }
  });

  test('each figure that there is stands on the page', async () => {
    const [english, chinese] = await Promise.all(
      ['docs/monitoring.md', 'docs/monitoring.zh-CN.md'].map(read),
    );
    const url = new URL('/api/v1/label/__name__/values', PROMETHEUS);
    const { data } = (await (await fetch(url)).json()) as { data: string[] };
    const names = data.filter((name) => name.startsWith('quota_proxy_'));
    expect(names.length).toBeGreaterThan(15);
    for (const name of names) {
      const told = name.replace(/_(bucket|sum|count)$/, '');
      expect(english, told).toContain(told);
      expect(chinese, told).toContain(told);
    }
  });

  test('a key is disabled, a secret made, and the level changed', async () => {
    const { id } = await makeKey('Ada');
    expect(await run(`export ID=${id}\n${block('block')}`)).toMatch(/^status +disabled$/m);
    await run(block('secret'));
    expect(await read('.env')).toMatch(/^WEBHOOK_SECRET=whsec_[A-Za-z0-9+/]{43}=$/m);
    await run(block('level'));
    const { key } = await makeKey('Quiet');
    await chat(key);
    // What is logged is there when the server has stopped: and by then, no request is.
    await run('docker compose stop quota-proxy');
    const since = await run('docker compose logs --no-log-prefix --since 10s quota-proxy');
    expect(since).not.toContain('"msg":"request"');
  });

  test('nothing on the page was left out', () => {
    expect(commands.leftOut()).toEqual([]);
  });

  async function makeKey(label: string): Promise<{ readonly id: string; readonly key: string }> {
    return JSON.parse(
      await run(`docker compose exec -T quota-proxy quota-proxy keys create --label ${label} --json`),
    );
  }

  function read(path: string): Promise<string> {
    return readFile(join(folder, path), 'utf8');
  }

  async function edit(path: string, change: (text: string) => string): Promise<void> {
    const text = await read(path);
    await writeFile(join(folder, path), change(text));
  }
});

/** Panels about what there is none of in this deployment. */
const UNANSWERED = [
  'Newest backup',
  'Not in a backup for',
  'It restores',
  'Tokens',
  'Cost per hour',
  'Of what the sponsor allows',
  'The upstream',
  'Age of what a restore brings back',
  'Rows in no backup',
  'Failures',
];

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly result: readonly { readonly metric: Readonly<Record<string, string>> }[] };
}

async function query(expression: string): Promise<Answer> {
  const url = new URL('/api/v1/query', PROMETHEUS);
  url.searchParams.set('query', expression.replaceAll('$job', 'quota-proxy'));
  return (await fetch(url)).json() as Promise<Answer>;
}

async function ruleStates(): Promise<Record<string, { state: string; health: string }>> {
  const { data } = (await (await fetch(new URL('/api/v1/rules', PROMETHEUS))).json()) as {
    data: { groups: { rules: { name: string; state: string; health: string }[] }[] };
  };
  return Object.fromEntries(data.groups.flatMap(({ rules }) => rules.map((rule) => [rule.name, rule])));
}

async function chat(key: string): Promise<void> {
  await fetch('http://127.0.0.1:8787/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'deepseek-chat', messages: [{ role: 'user', content: 'Hi' }] }),
  });
}
