import type { Endpoint, ReadRequest } from '#core/endpoints.ts';
import type { Admission, Digest, Reserve, UnitPrices, Usage } from '#core/model.ts';
import { pricesOf } from '#core/price.ts';
import type { UpstreamAnswer, UpstreamRequest } from '#core/upstream.ts';
import { UpstreamFailure } from '#core/upstream.ts';
import { fail } from '../failure.ts';
import { limitHeaders } from '../limit-headers.ts';
import { readBody } from '../read-body.ts';
import { refuse } from '../refusal.ts';
import { errorReply } from '../reply.ts';
import type { Exchange, Route } from '../route.ts';
import type { Services } from '../services.ts';
import type { Aftermath } from './aftermath.ts';
import { aftermath } from './aftermath.ts';
import { scanEvents } from './event-scan.ts';
import { maskedError, passHeaders } from './passing.ts';
import { tally } from './tally.ts';

/** An exchange at its time limit may be silent once more before it ends; after this nobody will settle it. */
const LAPSE_MARGIN_MS = 10 * 60_000;

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The routes of an endpoint: with `/v1`, and without it, because people forget it in `base_url`. */
export function forwardRoutes(endpoint: Endpoint, services: Services): readonly Route[] {
  return [endpoint.path, endpoint.upstreamPath].map((path) => ({
    method: 'POST',
    path,
    access: 'key',
    handle: (exchange, digest) => forward(endpoint, services, exchange, digest),
  }));
}

async function forward(
  endpoint: Endpoint,
  services: Services,
  exchange: Exchange,
  digest: Digest,
): Promise<Response> {
  const { ledger, observer, policy, upstream } = services;
  const ended = aftermath(services, exchange, endpoint.path);

  const body = await readBody(exchange.request, policy.bodyBytesMax);
  if (!body.ok)
    return ended.refused(errorReply({ ...body.error, headers: idHeader(exchange) }), body.error.code);
  const reading = endpoint.read(body.text, body.bytes.length);
  if (!reading.ok) return ended.refused(badBody(reading.problem, exchange), 'invalid_body');
  const { request } = reading;

  const command = reserve(request, services, exchange, digest);
  const answer = await ledger.execute(command);
  if (!answer.admitted) {
    return ended.refused(
      refuse(answer.denial, command.at, idHeader(exchange)),
      answer.denial.kind,
      request.call.model,
    );
  }
  ended.admitted(answer);

  const forwarded = request.bodyFor(answer.outputTokensMax);
  let reply: UpstreamAnswer;
  try {
    reply = await upstream.send(
      toUpstream(endpoint, forwarded === body.text ? body.bytes : forwarded, exchange),
    );
  } catch (error) {
    const failed = fail(error, exchange.requestId, observer);
    ended.failed(failed.status, error);
    return failed;
  }
  ended.answered();
  return pass(endpoint, services, exchange, { request, admission: answer, reply, ended, at: command.at });
}

interface Answered {
  readonly request: ReadRequest;
  readonly admission: Admission;
  readonly reply: UpstreamAnswer;
  readonly ended: Aftermath;
  readonly at: number;
}

function pass(endpoint: Endpoint, services: Services, exchange: Exchange, answered: Answered): Response {
  const { request, admission, reply, ended, at } = answered;
  const { head } = reply;
  const masked = maskedError(head.status);
  if (masked !== undefined) {
    const error = new UpstreamFailure('broken', `The upstream answered ${head.status}.`);
    services.observer.failed(masked.message, error, {
      request_id: exchange.requestId,
      upstream_status: head.status,
    });
    ended.released(masked.status, masked.code);
    return errorReply({ ...masked, headers: { ...masked.headers, ...idHeader(exchange) } });
  }
  const headers = limitHeaders(admission, at);
  headers['x-request-id'] = exchange.requestId;
  passHeaders(head, headers);
  if (admission.outputTokensMax !== null) headers['x-quota-max-tokens'] = String(admission.outputTokensMax);
  if (reply.kind === 'stream') {
    const scan = scanEvents(endpoint.usageOf, request.hidesUsage);
    const { stream, end } = tally(reply.chunks, scan, services.clock);
    exchange.ctx.waitUntil(end.then((ending) => ended.streamed(head.status, ending)));
    return new Response(stream, { status: head.status, headers });
  }
  const text = textOf(reply.body);
  if (head.status >= 400) ended.released(head.status, `upstream_${head.status}`);
  else ended.settled(head.status, usageIn(text, endpoint));
  // Node writes a text together with the head, in one system call; bytes take another.
  return new Response(text ?? reply.body, { status: head.status, headers });
}

/** The command that sets aside the most that a call can use. */
function reserve(
  { call }: ReadRequest,
  { clock, policy }: Services,
  { requestId, env }: Exchange,
  digest: Digest,
): Reserve {
  const at = clock.now();
  const prices: UnitPrices | null = pricesOf(policy.prices, call.model);
  const modelOutputTokensMax = policy.prices?.models.get(call.model)?.outputTokensMax ?? null;
  return {
    kind: 'reserve',
    at,
    requestId,
    digest,
    address: env.address,
    call: { ...call, modelOutputTokensMax },
    prices,
    requestsPerMinute: policy.requestsPerMinute,
    lapsesAt: at + policy.exchangeMsMax + LAPSE_MARGIN_MS,
  };
}

function toUpstream(endpoint: Endpoint, body: string | Uint8Array, { request }: Exchange): UpstreamRequest {
  // Nothing else of what a client sends reaches the upstream: no cookie, no credential, no forwarding header.
  const accept = request.headers.get('accept');
  const headers = { 'content-type': 'application/json', ...(accept === null ? {} : { accept }) };
  return { method: 'POST', path: endpoint.upstreamPath, headers, body };
}

function usageIn(text: string | undefined, endpoint: Endpoint): Usage | null {
  try {
    return text === undefined ? null : endpoint.usageOf(JSON.parse(text));
  } catch {
    return null;
  }
}

/** The text that `bytes` are, to the byte; `undefined` if they are none. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return UTF_8.decode(bytes);
  } catch {
    return undefined;
  }
}

function badBody(
  { message, param }: { message: string; param: string | null },
  exchange: Exchange,
): Response {
  const error = { status: 400, type: 'invalid_request_error', code: 'invalid_body', message, param };
  return errorReply({ ...error, headers: idHeader(exchange) });
}

function idHeader({ requestId }: Exchange): Record<string, string> {
  return { 'x-request-id': requestId };
}
