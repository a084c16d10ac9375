import OpenAI from 'openai';
import type { StartedTestContainer } from 'testcontainers';
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AdminClient } from '#handlers/admin/client.ts';
import { createAdminClient } from '#handlers/admin/client.ts';
import type { Aimock } from './aimock.ts';
import { ANSWER, BILLED, FAILING_MODEL, startAimock } from './aimock.ts';
import { ADMIN_TOKEN, describeStack, REPOSITORY } from './docker.ts';

const IMAGE = 'quota-proxy-test:stack';
const PORT = 8787;
const MESSAGES = [{ role: 'user' as const, content: 'Will anything be lost?' }];

describeStack('the image, an upstream that nobody here wrote, and the official client', () => {
  let upstream: Aimock;
  let proxy: StartedTestContainer;
  let admin: AdminClient;
  let key: { readonly id: string; readonly key: string };

  beforeAll(async () => {
    const [started, image] = await Promise.all([startAimock(), buildImage()]);
    upstream = started;
    proxy = await upstream
      .join(image)
      .withEnvironment({
        ADMIN_TOKEN,
        UPSTREAM_BASE_URL: upstream.baseUrl,
        UPSTREAM_API_KEY: 'sk-upstream-key-of-the-stack',
        UPSTREAM_CHECK: 'false',
      })
      .withExposedPorts(PORT)
      .withWaitStrategy(Wait.forHttp('/healthz', PORT))
      .start();
    admin = adminOf(proxy);
    const quotas = [{ meter: 'requests' as const, period: 'day' as const, limit: 3 }];
    key = await admin.keys.create({ body: { label: 'stack', quotas } });
  });

  afterAll(async () => {
    await proxy?.stop();
    await upstream?.stop();
    const { container } = await getContainerRuntimeClient();
    await container.dockerode.getImage(IMAGE).remove();
  });

  test('a buffered answer is the upstream’s, and its usage is what the ledger charged', async () => {
    const { data, response } = await clientOf(proxy, key.key)
      .chat.completions.create({ model: 'deepseek-chat', messages: MESSAGES })
      .withResponse();
    expect(data.choices[0]?.message.content).toBe(ANSWER);
    expect(data.usage).toMatchObject(BILLED);
    expect(await receiptOf(response)).toMatchObject({
      status: 'settled',
      source: 'upstream',
      usage: CHARGED,
    });
    const seen = await upstream.journal();
    expect(seen).toHaveLength(1);
    expect(JSON.stringify(seen)).not.toContain(key.key);
  });

  test.each([
    {
      name: 'that asks for usage sees it',
      asks: { stream_options: { include_usage: true } },
      usages: [BILLED],
    },
    { name: 'that does not ask sees none, and is charged the same', asks: {}, usages: [] },
  ])('a stream $name', async ({ asks, usages }) => {
    const { data, response } = await clientOf(proxy, key.key)
      .chat.completions.create({ model: 'deepseek-chat', messages: MESSAGES, stream: true, ...asks })
      .withResponse();
    let text = '';
    const told: unknown[] = [];
    for await (const { choices, usage } of data) {
      text += choices[0]?.delta.content ?? '';
      if (usage) told.push(usage);
    }
    expect(text).toBe(ANSWER);
    expect(told).toMatchObject(usages);
    expect(await receiptOf(response)).toMatchObject({
      status: 'settled',
      source: 'upstream',
      usage: CHARGED,
    });
    expect((await upstream.journal()).at(-1)?.body).toMatchObject({
      stream_options: { include_usage: true },
    });
  });

  test('a used-up quota is a 429 that the client does not try again', async () => {
    const seen = await upstream.journal();
    await expect(ask(clientOf(proxy, key.key))).rejects.toMatchObject({
      status: 429,
      code: 'insufficient_quota',
    });
    expect(await upstream.journal()).toHaveLength(seen.length);
    expect(await totals()).toMatchObject({ req_count: 3, rejected_count: 1 });

    // The control: where nothing tells it not to, the same client does try again, twice.
    const { key: other } = await admin.keys.create({ body: { label: 'other' } });
    await expect(ask(clientOf(proxy, other), FAILING_MODEL)).rejects.toMatchObject({ status: 500 });
    expect(await upstream.journal()).toHaveLength(seen.length + 3);
  });

  test('after a restart every count is still there', async () => {
    const before = await admin.keys.get({ params: { key: key.id } });
    expect(before.quotas).toMatchObject([{ used: 3, held: 0 }]);
    const usage = await totals();
    await proxy.restart();
    admin = adminOf(proxy);
    expect(await admin.keys.get({ params: { key: key.id } })).toEqual(before);
    expect(await totals()).toEqual(usage);
    await expect(ask(clientOf(proxy, key.key))).rejects.toMatchObject({
      status: 429,
      code: 'insufficient_quota',
    });
  });

  test.each([
    {
      state: 'expired',
      code: 'key_expired',
      end: (id: string) => amend(id, { expires_at: Date.now() - 1_000 }),
    },
    { state: 'disabled', code: 'key_disabled', end: (id: string) => amend(id, { disabled: true }) },
    {
      state: 'deleted',
      code: 'invalid_api_key',
      end: (id: string) => admin.keys.delete({ params: { key: id } }),
    },
  ])('a key that is $state is refused by its code', async ({ code, end }) => {
    const made = await admin.keys.create({ body: { label: code } });
    await ask(clientOf(proxy, made.key));
    await end(made.id);
    await expect(ask(clientOf(proxy, made.key))).rejects.toMatchObject({ status: 401, code });
  });

  test('inside, the tools of the operator work beside the running server', async () => {
    const tables = await inside('sqlite3', '/data/quota.db', '.tables');
    expect(tables.output.split(/\s+/)).toEqual(expect.arrayContaining(['balances', 'keys', 'ledger']));
    const balance = "SELECT requests_used FROM balances WHERE label = 'stack' AND period = 'total'";
    expect((await inside('sqlite3', '/data/quota.db', balance)).output.trim()).toBe('3');
    expect((await inside('sqlite3', '/data/quota.db', '.backup /tmp/copy.db')).exitCode).toBe(0);
    expect(await inside('quota-proxy', 'doctor')).toMatchObject({ exitCode: 0 });
    expect(await inside('quota-proxy', 'doctor', '--path', '/tmp/copy.db')).toMatchObject({ exitCode: 0 });
    expect(await inside('quota-proxy', 'healthcheck')).toMatchObject({ exitCode: 0 });
    expect((await inside('quota-proxy', 'version')).output).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await inside('id', '-u')).output.trim()).not.toBe('0');
    // The control: the same doctor finds what is wrong.
    await inside('sqlite3', '/tmp/copy.db', 'DELETE FROM ledger WHERE n = 2');
    expect(await inside('quota-proxy', 'doctor', '--path', '/tmp/copy.db')).toMatchObject({ exitCode: 1 });
  });

  test('a start takes what V8 made of the program when the image was built, which nobody there can change', async () => {
    const told = { NODE_DEBUG_NATIVE: 'COMPILE_CACHE' };
    const { output } = await proxy.exec(['quota-proxy', 'version'], { env: told });
    expect(output).toMatch(/cache for ESM file:\/\/\/app\/quota-proxy\.mjs was accepted/);
    expect((await inside('find', '/app', '-writable')).output).toBe('');

    // The control: what is another user's is not taken, and the program runs all the same.
    const other = await proxy.exec(['quota-proxy', 'version'], { env: told, user: '4242' });
    expect(other).toMatchObject({ exitCode: 0, output: expect.stringMatching(/^\d+\.\d+\.\d+$/m) });
    expect(other.output).not.toContain('was accepted');
  });

  function inside(...command: string[]) {
    return proxy.exec(command);
  }

  function amend(id: string, body: { disabled: boolean } | { expires_at: number }) {
    return admin.keys.patch({ params: { key: id }, body });
  }

  async function totals() {
    return (await admin.usage.read()).totals;
  }

  async function receiptOf(response: Response) {
    const id = response.headers.get('x-request-id') ?? '';
    await expect.poll(async () => (await admin.requests.get({ params: { id } })).status).not.toBe('open');
    return admin.requests.get({ params: { id } });
  }
});

const CHARGED = { prompt_tokens: BILLED.prompt_tokens, completion_tokens: BILLED.completion_tokens };

function buildImage(): Promise<GenericContainer> {
  return GenericContainer.fromDockerfile(REPOSITORY).withBuildkit().build(IMAGE, { deleteOnExit: false });
}

function urlOf(proxy: StartedTestContainer): string {
  return `http://${proxy.getHost()}:${proxy.getMappedPort(PORT)}`;
}

function adminOf(proxy: StartedTestContainer): AdminClient {
  return createAdminClient({ baseUrl: urlOf(proxy), token: ADMIN_TOKEN, fetch });
}

/** The client as people use it: with its own two retries. */
function clientOf(proxy: StartedTestContainer, apiKey: string): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${urlOf(proxy)}/v1` });
}

function ask(client: OpenAI, model = 'deepseek-chat') {
  return client.chat.completions.create({ model, messages: MESSAGES });
}
