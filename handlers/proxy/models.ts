import type { ApiKey, Digest } from '#core/model.ts';
import type { Trace } from '#core/tracing.ts';
import { UpstreamFailure } from '#core/upstream.ts';
import { namesHere } from '#core/upstream-choice.ts';
import { findHolder } from '../find-holder.ts';
import { refuse } from '../refusal.ts';
import { errorReply, json } from '../reply.ts';
import type { Exchange, Route } from '../route.ts';
import type { Services } from '../services.ts';
import type { KnownUpstream } from './known-upstream.ts';
import { modelsRequest } from './models-request.ts';
import type { RoutedUpstream } from './routed-upstream.ts';

interface Model {
  readonly id: string;
}

/** The upstream is asked once a minute at the most, however many keys ask us. */
const FRESH_MS = 60_000;

/** `GET /v1/models` and `GET /v1/models/{id}`: the upstream's list, cut to what the key may use. Costs nothing. */
export function modelRoutes(services: Services): readonly Route[] {
  const listed = freshList(services);

  /** The models of the key's holder, or why there are none to tell of. */
  async function modelsFor(exchange: Exchange, digest: Digest): Promise<readonly Model[] | Response> {
    const holder = await findHolder(digest, exchange, services);
    if (!holder.ok) return refuse(holder.denial, holder.at, { 'x-request-id': exchange.requestId });
    const { key } = holder.account;
    return (await listed(exchange.trace)).filter(({ id }) => mayUse(key, id));
  }

  async function list(exchange: Exchange, digest: Digest): Promise<Response> {
    const models = await modelsFor(exchange, digest);
    if (models instanceof Response) return models;
    return json(200, { object: 'list', data: models }, { 'x-request-id': exchange.requestId });
  }

  async function one(exchange: Exchange, digest: Digest): Promise<Response> {
    const models = await modelsFor(exchange, digest);
    if (models instanceof Response) return models;
    const id = exchange.params['id'] ?? '';
    const model = models.find((candidate) => candidate.id === id);
    const headers = { 'x-request-id': exchange.requestId };
    return model === undefined ? noSuchModel(id, headers) : json(200, model, headers);
  }

  return ['/v1/models', '/models'].flatMap((path): readonly Route[] => [
    { method: 'GET', path, access: 'key', handle: list },
    { method: 'GET', path: `${path}/:id{.+}`, access: 'key', handle: one },
  ]);
}

/** Asks again when the last answer is a minute old; those who come meanwhile share one question, the first one's. */
function freshList({ clock, upstream }: Services): (trace: Trace | null) => Promise<readonly Model[]> {
  let fresh: { untilMs: number; models: Promise<readonly Model[]> } | undefined;
  return (trace) => {
    const nowMs = clock.elapsedMs();
    if (fresh === undefined || nowMs > fresh.untilMs) {
      const asked = { untilMs: nowMs + FRESH_MS, models: merged(upstream.all, trace) };
      fresh = asked;
      asked.models.catch(() => {
        if (fresh === asked) fresh = undefined;
      });
    }
    return fresh.models;
  };
}

/**
 * The lists of all upstreams as one, by the names that clients use. One that does not tell is left out.
 * @throws UpstreamFailure if none tells
 */
async function merged(upstreams: RoutedUpstream['all'], trace: Trace | null): Promise<readonly Model[]> {
  const [only, another] = upstreams;
  if (only !== undefined && another === undefined) return shown(only, await askFor(only, trace));
  // A trace is of one exchange after another: these are all at once, and in none.
  const lists = await Promise.allSettled(
    upstreams.map(async (known) => shown(known, await inTime(askFor(known, null)))),
  );
  const told = lists.filter((list) => list.status === 'fulfilled');
  const [failed] = lists.filter((list) => list.status === 'rejected');
  if (told.length === 0) throw failed?.reason;
  const byId = new Map<string, Model>();
  for (const { value } of told) {
    for (const model of value) if (!byId.has(model.id)) byId.set(model.id, model);
  }
  return [...byId.values()];
}

/** What of an upstream's list is for clients, and what they call it. */
function shown({ terms: { models } }: KnownUpstream, list: readonly Model[]): readonly Model[] {
  return list.flatMap((model) => namesHere(models, model.id).map((id) => ({ ...model, id })));
}

/** The others have told long since: the list does not wait for one that hangs. */
const TELLING_MS_MAX = 5_000;

/** @throws UpstreamFailure also if it takes too long */
async function inTime(list: Promise<readonly Model[]>): Promise<readonly Model[]> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new UpstreamFailure('timed_out', 'The upstream did not tell its models in time.')),
    TELLING_MS_MAX,
  );
  try {
    return await Promise.race([list, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** @throws UpstreamFailure */
async function askFor({ terms, upstream }: KnownUpstream, trace: Trace | null): Promise<readonly Model[]> {
  const asked = { method: 'GET', path: '/models' } as const;
  const headers = trace?.sent({ ...asked, call: null, upstream: terms }) ?? {};
  const answer = await upstream.send(modelsRequest(terms, headers));
  trace?.answered(answer);
  const list = answer.kind === 'whole' && answer.head.status === 200 ? listIn(answer.body) : undefined;
  if (list === undefined) throw new UpstreamFailure('broken', 'The upstream gave no list of models.');
  return list.filter(isModel);
}

function listIn(body: Uint8Array): readonly unknown[] | undefined {
  try {
    const { data } = JSON.parse(new TextDecoder().decode(body)) as { data?: unknown };
    return Array.isArray(data) ? data : undefined;
  } catch {
    return undefined;
  }
}

function isModel(value: unknown): value is Model {
  return typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string';
}

function mayUse(key: ApiKey, model: string): boolean {
  return key.models === null || key.models.includes(model);
}

function noSuchModel(id: string, headers: Readonly<Record<string, string>>): Response {
  const message = `The model '${id.slice(0, 256)}' does not exist, or this API key may not use it.`;
  const error = {
    status: 404,
    type: 'invalid_request_error',
    code: 'model_not_found',
    message,
    param: 'model',
  };
  return errorReply({ ...error, headers });
}
