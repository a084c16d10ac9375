import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook as Receiver } from 'standardwebhooks';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type OpenWebhook, openWebhook, type WebhookConfig } from '#adapters/webhook/open-webhook.ts';
import type { Observer } from '#core/observer.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYq=';
const EVENT = {
  type: 'access.abnormal',
  timestamp: '2026-11-25T00:00:00.000Z',
  data: { kind: 'many_addresses', label: '改过的 🔑' },
};

interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let server: Server;
let webhook: OpenWebhook | undefined;
let deliveries: Delivery[];
/** What the receiver answers, one after the other; then 204. */
let answers: number[];
let told: string[];

beforeEach(async () => {
  [deliveries, answers, told] = [[], [], []];
  server = createServer(async (request, response) => {
    deliveries.push({ headers: request.headers, body: await text(request) });
    const status = answers.shift() ?? 204;
    if (status === 0) request.socket.destroy();
    else response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  await webhook?.close();
  webhook = undefined;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function open(config: Partial<WebhookConfig> = {}): OpenWebhook {
  const observer: Observer = {
    requestEnded: () => expect.fail(),
    noticed: () => expect.fail(),
    warned: (message) => told.push(message),
    failed: (message, error) => told.push(`${message} ${error}`),
  };
  let n = 0;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=t`;
  const tools = {
    clock: { now: () => Date.now(), elapsedMs: () => 0 },
    ids: { next: () => `id-${++n}`, random: () => expect.fail() },
    observer,
  };
  webhook = openWebhook({ url, secret: SECRET, userAgent: 'quota-proxy/test', ...config }, tools);
  return webhook;
}

const arrived = (count: number) => expect.poll(() => deliveries.length, { timeout: 5_000 }).toBe(count);

test('a receiver with the official library takes it, and one with another secret does not', async () => {
  open().send(EVENT);
  await arrived(1);
  const [{ headers, body } = { headers: {}, body: '' }] = deliveries;
  expect(new Receiver(SECRET).verify(body, headers as Record<string, string>)).toEqual(EVENT);
  const other = new Receiver('whsec_AfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYq=');
  expect(() => other.verify(body, headers as Record<string, string>)).toThrow(/signature/i);
  expect(headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'quota-proxy/test' });
});

test.each([{ trouble: 500 }, { trouble: 302 }, { trouble: 0 }, { trouble: 404 }])(
  'answered by $trouble, it is sent again under the same id until it is taken',
  async ({ trouble }) => {
    answers = [trouble, trouble];
    open({ pausesMs: [1, 1, 1] }).send(EVENT);
    await arrived(3);
    expect(new Set(deliveries.map(({ headers }) => headers['webhook-id']))).toEqual(new Set(['msg_id-1']));
    expect(told).toEqual([]);
  },
);

test('what nobody takes is given up and told, and what comes after it is delivered', async () => {
  answers = [500, 500, 500];
  const opened = open({ pausesMs: [1, 1] });
  opened.send(EVENT);
  opened.send({ ...EVENT, type: 'access.other' });
  await arrived(4);
  expect(told).toEqual(['A webhook was not delivered. Error: the webhook answered 500']);
  expect(deliveries.at(-1)?.body).toContain('access.other');
});

test('of very many only so many wait', async () => {
  const opened = open();
  for (let n = 0; n < 105; n += 1) opened.send(EVENT);
  await arrived(100);
  expect(told).toHaveLength(5);
});

test('closing waits for no receiver', async () => {
  answers = [500];
  const opened = open({ pausesMs: [60_000] });
  opened.send(EVENT);
  opened.send(EVENT);
  await arrived(1);
  await opened.close();
  expect(told).toEqual([]);
});
