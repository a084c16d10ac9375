import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyRepository } from '#test/readme-blocks.ts';
import type { Aimock } from './aimock.ts';
import { ANSWER, startAimock } from './aimock.ts';
import { describeDocumented } from './describe-documented.ts';
import { ADMIN_TOKEN } from './docker.ts';
import { CADDY_IMAGE, NGINX_IMAGE } from './images.ts';
import type { PrintedCommands } from './printed-commands.ts';
import { printedCommands } from './printed-commands.ts';

const PROJECT = 'reverse-proxies-docs-test';

/** One server: first behind Caddy, then behind nginx. */
describeDocumented('the commands of docs/reverse-proxies.md, as printed', () => {
  let folder: string;
  let commands: PrintedCommands;
  let upstream: Aimock;

  const block = (word: string) => commands.block(word);
  const run = (script: string) => commands.run(script);

  beforeAll(async () => {
    upstream = await startAimock();
    folder = await mkdtemp(join(tmpdir(), 'reverse-proxies-docs-'));
    copyRepository(folder);
    const settings = { DOMAIN: 'localhost' };
    commands = printedCommands('docs/reverse-proxies.md', { folder, project: PROJECT, settings });
    // What must differ on a shared machine, and where the upstream is.
    const network = `networks: { default: { name: ${upstream.network}, external: true } }\n`;
    await edit('docker-compose.yml', (text) => text + network);
    for (const [name, image] of Object.entries({ caddy: CADDY_IMAGE, nginx: NGINX_IMAGE }))
      await edit(`docs/examples/${name}/compose.yml`, (text) =>
        text.replace('- 443:443', '- 127.0.0.1:443:443').replace(/image: .*/, `image: ${image} # here`),
      );
    const env = {
      ADMIN_TOKEN,
      UPSTREAM_BASE_URL: upstream.baseUrl,
      UPSTREAM_API_KEY: 'sk-of-the-sponsor-0123456789',
    };
    await writeFile(
      join(folder, '.env'),
      Object.entries(env)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
  });

  afterAll(async () => {
    await run('docker compose down --volumes --timeout 5 --remove-orphans');
    await run(`docker image rm ${PROJECT}`);
    await upstream?.stop();
    await rm(folder, { recursive: true });
  });

  test('with Caddy, TLS works, the admin API is not there, and streams and addresses come through', async () => {
    await run(block('caddy'));
    await expectServed(block('local'));
  });

  test('with nginx, too', async () => {
    await run('docker compose down --volumes --timeout 5');
    await edit('.env', (text) => text.replace(/^COMPOSE_FILE=.*\n/m, ''));
    await run(block('nginx'));
    const trusting = 'export CURL_CA_BUNDLE=$PWD/nginx/tls/fullchain.pem\n';
    await expectServed(trusting);
    await run(block('reload'));
    // A worker that is on its way out may drop the first connection after a reload.
    const checked = () => run(trusting + block('check')).catch(String);
    await expect.poll(checked, { timeout: 60_000 }).toContain('{"ok":true}');
  });

  test.each([
    { list: 'loopback,private', server: '200' },
    { list: 'loopback', server: '404' },
  ])(
    'where ADMIN_ALLOWED_IPS is $list, the server gets $server, and the commands in the container work',
    async ({ list, server }) => {
      await edit(
        '.env',
        (text) => `${text.replace(/^ADMIN_ALLOWED_IPS=.*\n/m, '')}ADMIN_ALLOWED_IPS=${list}\n`,
      );
      await run('docker compose up -d --wait');
      const ask = "curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8787/admin/status";
      expect(await run(`${ask} -H "Authorization: Bearer ${ADMIN_TOKEN}"`)).toBe(server);
      expect(await run('docker compose exec -T quota-proxy quota-proxy keys list')).toContain('Nowhere');
      expect(await run('docker compose ps --format "{{.Health}}" quota-proxy')).toBe('healthy\n');
    },
  );

  test('nothing on the page was left out', () => {
    expect(commands.leftOut()).toEqual([]);
  });

  async function expectServed(trusting: string): Promise<void> {
    expect((await run(trusting + block('check'))).trim().split('\n')).toEqual([
      '{"ok":true}',
      'admin/status: 404',
      'metrics: 404',
    ]);
    const stream = await run(trusting + block('stream'));
    const events = stream.split('\n').filter((line) => line.startsWith('data: {'));
    const words = events.map(
      (line) => JSON.parse(line.slice('data: '.length)).choices[0]?.delta.content ?? '',
    );
    expect(words.join('')).toBe(ANSWER);
    expect(words.length).toBeGreaterThan(1);
    // This machine, as Docker shows it to the proxy.
    expect(await run(trusting + block('address'))).toMatch(/may not be used from 1(72|92|0)\.[0-9.]+\.1\./);
  }

  async function edit(name: string, change: (text: string) => string): Promise<void> {
    const text = await readFile(join(folder, name), 'utf8');
    expect(change(text)).not.toBe(text);
    await writeFile(join(folder, name), change(text));
  }
});
