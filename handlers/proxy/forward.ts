import type { Reserve } from '#core/command.ts';
import type { Admission, Limits } from '#core/decision.ts';
import type { BodyProblem, Endpoint, ReadRequest } from '#core/endpoints.ts';
import type { Digest, Instant, Usage } from '#core/model.ts';
import type { RequestEnded } from '#core/observer.ts';
import { pricesOf } from '#core/price.ts';
import type { RoutedAnswer, RoutedRequest } from '#core/upstreams.ts';
import { idHeaders } from '../dialect.ts';
import { fail } from '../failure.ts';
import { afterwards, later, limitHeaders } from '../limit-headers.ts';
import { readBody } from '../read-body.ts';
import { refuse } from '../refusal.ts';
import type { WireError } from '../reply.ts';
import type { Exchange, Route } from '../route.ts';
import type { Services } from '../services.ts';
import { tellReply } from '../tell-reply.ts';
import { textOf } from '../text-of.ts';
import type { Aftermath } from './aftermath.ts';
import { aftermath } from './aftermath.ts';
import { errorEvent } from './error-event.ts';
import { scanEvents } from './event-scan.ts';
import { headersFor } from './headers-for.ts';
import { mayHaveBeenServed, passHeaders } from './passing.ts';
import { refuseMalformed } from './refuse-malformed.ts';
import { tally } from './tally.ts';

/** An exchange at its time limit may be silent once more before it ends; after this nobody will settle it. */
const LAPSE_MARGIN_MS = 10 * 60_000;

/** The routes of an endpoint: with `/v1`, and without it, because people forget it in `base_url`. */
export function forwardRoutes(endpoint: Endpoint, services: Services): readonly Route[] {
  return [endpoint.path, endpoint.upstreamPath].map((path) => ({
    method: 'POST',
    path,
    access: 'key',
    tells: true,
    handle: (exchange, digest) => forward(endpoint, services, exchange, digest),
  }));
}

async function forward(
  endpoint: Endpoint,
  services: Services,
  exchange: Exchange,
  digest: Digest,
): Promise<Response> {
  const { clock, ledger, policy, upstream } = services;
  const route = endpoint.path;
  const refused = (reply: Response, reason: string, rest: Partial<RequestEnded> = {}) =>
    tellReply(services, exchange, reply, { route, reason, ...rest });

  const malformed = async (error: WireError) => {
    const { reply, reason } = await refuseMalformed(error, services, exchange, digest);
    return refused(reply, reason);
  };

  using claim = services.guards.bodies.claim();
  const body = await readBody(exchange.request, policy.bodyBytesMax, claim);
  if (!body.ok) return malformed(body.error);
  const reading = endpoint.read(body.text, body.bytes.length);
  if (!reading.ok) return malformed(badBody(reading.problem));
  const { request } = reading;
  const own = headersFor(endpoint.dialect, exchange.request.headers);
  if (!own.ok) return malformed(own.error);

  const command = reserve(request, services, exchange, digest);
  const askedMs = clock.elapsedMs();
  const admission = await ledger.execute(command);
  const storeMs = clock.elapsedMs() - askedMs;
  exchange.trace?.reserved(askedMs);
  if (!admission.admitted) {
    const { denial } = admission;
    const headers = { ...limitHeaders(admission, command.at), ...idHeader(exchange) };
    return refused(refuse(denial, command.at, headers), denial.kind, {
      model: request.call.model,
      storeMs,
    });
  }
  const ended = aftermath(services, exchange, { route, storeMs }, admission);

  try {
    const wire = { dialect: endpoint.dialect, path: endpoint.upstreamPath, headers: own.headers };
    const routed = toUpstream(wire, { request, admission, ended }, exchange, (model) => {
      const changed = request.bodyFor(admission.outputTokensMax, model);
      return changed === body.text ? body.bytes : changed;
    });
    const reply = await upstream.send(routed);
    ended.answeredBy(reply.upstream);
    exchange.trace?.answered(reply.answer);
    return pass(endpoint, services, exchange, { request, admission, reply, ended, at: command.at });
  } catch (error) {
    const failed = fail(error, exchange.requestId, services);
    const charged = ended.failed(failed.status, error);
    const limits = headersNow(afterwards(admission, charged), command.at, services);
    for (const [name, value] of Object.entries(limits)) failed.headers.set(name, value);
    return failed;
  }
}

interface Admitted {
  readonly request: ReadRequest;
  readonly admission: Admission;
  readonly ended: Aftermath;
}

interface Answered extends Admitted {
  readonly reply: RoutedAnswer;
  readonly at: number;
}

/** What the limits of an admission at `at` have become by now: an answer may take minutes. */
function headersNow(limits: Limits, at: Instant, { clock }: Services): Record<string, string> {
  const now = clock.now();
  return limitHeaders(later(limits, now - at), now);
}

function pass(endpoint: Endpoint, services: Services, exchange: Exchange, answered: Answered): Response {
  const { request, admission, reply, ended, at } = answered;
  const { answer } = reply;
  const { head } = answer;
  const headers = idHeaders(endpoint.dialect, exchange.requestId);
  const bound = admission.outputTokensMax;
  if (bound !== null && bound !== request.call.outputTokensMax) headers['x-quota-max-tokens'] = String(bound);
  passHeaders(head, headers);
  if (answer.kind === 'stream') {
    const scan = scanEvents(endpoint.events, request.hidesUsage);
    const { stream, end } = tally(answer.chunks, scan, services.clock, (error, last) =>
      errorEvent(endpoint.events.errors, exchange.requestId, error, last),
    );
    const over = end.then((ending) => {
      reply.over(ending.error);
      ended.streamed(head.status, ending);
    });
    exchange.ctx.waitUntil(over);
    Object.assign(headers, headersNow(admission, at, services));
    return new Response(stream, { status: head.status, headers });
  }
  const text = textOf(answer.body);
  const charged = mayHaveBeenServed(head.status)
    ? ended.unanswered(head.status)
    : head.status >= 400
      ? ended.released(head.status)
      : ended.settled(head.status, usageIn(text, endpoint));
  Object.assign(headers, headersNow(afterwards(admission, charged), at, services));
  // Node writes a text together with the head, in one system call; bytes take another.
  return new Response(text ?? answer.body, { status: head.status, headers });
}

/** The command that sets aside the most that a call can use. */
function reserve(
  { call }: ReadRequest,
  { clock, policy, prices }: Services,
  { requestId, env }: Exchange,
  digest: Digest,
): Reserve {
  const at = clock.now();
  const table = prices.table();
  const modelOutputTokensMax = table?.models.get(call.model)?.outputTokensMax ?? null;
  return {
    kind: 'reserve',
    at,
    requestId,
    digest,
    address: env.address,
    call: { ...call, modelOutputTokensMax },
    prices: pricesOf(table, call.model),
    requestsPerMinute: policy.requestsPerMinute,
    lapsesAt: at + policy.exchangeMsMax + LAPSE_MARGIN_MS,
  };
}

function toUpstream(
  wire: Pick<RoutedRequest['wire'], 'dialect' | 'path' | 'headers'>,
  { request: { call }, admission, ended }: Admitted,
  { request, trace }: Exchange,
  body: RoutedRequest['body'],
): RoutedRequest {
  return {
    wire: { ...wire, method: 'POST' },
    model: call.model,
    keyId: admission.reservation.keyId,
    body,
    gone: () => request.signal,
    trying(upstream) {
      ended.asked(upstream.name);
      return trace?.sent({ method: 'POST', path: wire.path, call, upstream }) ?? NO_HEADERS;
    },
    passedOver: (outcome) => trace?.passedOver(outcome),
  };
}

const NO_HEADERS: Readonly<Record<string, string>> = {};

function usageIn(text: string | undefined, endpoint: Endpoint): Usage | null {
  try {
    return text === undefined ? null : endpoint.usageOf(JSON.parse(text));
  } catch {
    return null;
  }
}

function badBody({ message, param }: BodyProblem): WireError {
  return { status: 400, type: 'invalid_request_error', code: 'invalid_body', message, param };
}

function idHeader({ requestId }: Exchange): Record<string, string> {
  return { 'x-request-id': requestId };
}
