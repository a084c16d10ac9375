import type { IncomingHttpHeaders, RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** A call as the upstream saw it. */
export interface SeenCall {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A real HTTP server in the place of the upstream: what it does with a call is the test's to say. */
export interface UpstreamServer {
  readonly baseUrl: string;
  readonly seen: SeenCall[];
  close(): Promise<void>;
}

export type Behaviour = (call: SeenCall, response: ServerResponse) => void | Promise<void>;

/** What it shows that it is; both as PEM. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

/** On a port that is free, or on the one that is given; over TLS, as `localhost`, if it has an identity. */
export async function startUpstreamServer(
  behaviour: Behaviour,
  given = 0,
  identity?: Identity,
): Promise<UpstreamServer> {
  const seen: SeenCall[] = [];
  const answer: RequestListener = async (request, response) => {
    const body = request.method === 'POST' ? ((await json(request)) as SeenCall['body']) : {};
    const call = { url: request.url ?? '', headers: request.headers, body };
    seen.push(call);
    await behaviour(call, response);
  };
  const listener: RequestListener = (request, response) => void answer(request, response);
  const server = identity === undefined ? createServer(listener) : createTlsServer(identity, listener);
  await new Promise<void>((resolve) => server.listen(given, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: identity === undefined ? `http://127.0.0.1:${port}/v1` : `https://localhost:${port}/v1`,
    seen,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** An answer with so many tokens of each class. */
export function completion(promptTokens: number, completionTokens: number): string {
  const usage = {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
  const choices = [{ index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }];
  return JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'm', choices, usage });
}

export function sendJson(response: ServerResponse, body: string, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(body);
}

/** An upstream that answers everything with this; an error of its own unless said otherwise. */
export function answers(
  status: number,
  body = '{"error":{"code":"theirs"}}',
  headers: Readonly<Record<string, string>> = {},
): Behaviour {
  return (_call, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    sendJson(response, body, status);
  };
}

/** An upstream that hangs up. */
export const BREAKS: Behaviour = (_call, response) => void response.destroy();

/** The events of a stream of five chunks; with `usage`, OpenAI's extra event before the end. */
export function events(usage: object | null): readonly string[] {
  const chunk = (content: string) => ({
    id: 'c',
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta: { content } }],
  });
  const data = ['One', ' two', ' three', ' four', ' five'].map(
    (word) => `data: ${JSON.stringify(chunk(word))}\n\n`,
  );
  if (usage !== null) data.push(`data: ${JSON.stringify({ id: 'c', choices: [], usage })}\n\n`);
  return [...data, 'data: [DONE]\n\n'];
}

/** Sends events one after another, each in a packet of its own, and stops after `count` of them if told so. */
export async function sendEvents(
  response: ServerResponse,
  list: readonly string[],
  count = list.length,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of list.slice(0, count)) {
    await new Promise<void>((resolve) => response.write(event, () => setImmediate(resolve)));
  }
  if (count < list.length) response.destroy();
  else response.end();
}
