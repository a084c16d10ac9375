import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '#core/ports.ts';
import type { EchoRequest } from './echo.ts';
import { readEcho, usageOf } from './echo.ts';

export interface DemoUpstream {
  /** With `/v1`, on a free port of the loopback interface. */
  readonly baseUrl: string;
  close(): Promise<void>;
}

export const DEMO_MODEL = 'demo-echo';

/** So that a person sees a stream stream. */
const TOKEN_PAUSE_MS = 10;

/**
 * An OpenAI-compatible upstream to try the proxy with: it answers with what was said last, whole or as a stream,
 * and reports the tokens that it counted. Any model's name will do.
 */
export async function startDemoUpstream({ now }: Pick<Clock, 'now'>): Promise<DemoUpstream> {
  const server = createServer((request, response) => {
    answer(request, response, Math.floor(now() / 1000)).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, created: number): Promise<void> {
  const route = `${request.method} ${request.url}`;
  if (route === 'GET /v1/models') {
    const model = { id: DEMO_MODEL, object: 'model', created, owned_by: 'quota-proxy' };
    return reply(response, 200, { object: 'list', data: [model] });
  }
  const body = await text(request);
  if (route !== 'POST /v1/chat/completions')
    return refuse(response, 404, `The demo upstream has no ${route}.`);
  const echo = readEcho(parsed(body));
  if (typeof echo === 'string') return refuse(response, 400, echo);
  if (echo.stream) return stream(response, echo, created);
  return reply(response, 200, whole(echo, created));
}

function whole(echo: EchoRequest, created: number) {
  const message = { role: 'assistant', content: echo.tokens.join('') };
  const choices = Array.from({ length: echo.choices }, (_, index) => ({
    index,
    message,
    finish_reason: echo.finishReason,
  }));
  return { ...head(echo, created), object: 'chat.completion', choices, usage: usageOf(echo) };
}

async function stream(response: ServerResponse, echo: EchoRequest, created: number): Promise<void> {
  const chunk = { ...head(echo, created), object: 'chat.completion.chunk' };
  const usage = echo.includeUsage ? { usage: null } : {};
  const send = (delta: object, finish_reason: string | null) => {
    const choices = Array.from({ length: echo.choices }, (_, index) => ({ index, delta, finish_reason }));
    response.write(`data: ${JSON.stringify({ ...chunk, choices, ...usage })}\n\n`);
  };
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  send({ role: 'assistant', content: '' }, null);
  for (const content of echo.tokens) {
    await pause(TOKEN_PAUSE_MS);
    if (response.destroyed) return;
    send({ content }, null);
  }
  send({}, echo.finishReason);
  if (echo.includeUsage) {
    response.write(`data: ${JSON.stringify({ ...chunk, choices: [], usage: usageOf(echo) })}\n\n`);
  }
  response.end('data: [DONE]\n\n');
}

function head({ model }: EchoRequest, created: number) {
  return { id: 'chatcmpl-demo', created, model };
}

function refuse(response: ServerResponse, status: number, message: string): void {
  reply(response, status, { error: { message, type: 'invalid_request_error', param: null, code: null } });
}

function reply(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
