import { Hono, type Context as HonoContext } from 'hono';
import { includesAddress } from '#core/address.ts';
import { ENDPOINTS } from '#core/endpoints.ts';
import type { Digest, RequestId } from '#core/model.ts';
import { isForeign, isWellFormed } from '#core/secret.ts';
import { adminRoutes } from './admin/routes.ts';
import { fail } from './failure.ts';
import { healthRoutes } from './health.ts';
import { meRoutes } from './me.ts';
import { metricsRoutes } from './metrics.ts';
import { credentialOf } from './proxy/credential.ts';
import { forwardRoutes } from './proxy/forward.ts';
import { modelRoutes } from './proxy/models.ts';
import { watchedUpstream } from './proxy/watched-upstream.ts';
import { refuse } from './refusal.ts';
import { errorReply } from './reply.ts';
import type { Context, Env, Exchange, Route } from './route.ts';
import type { Task } from './scheduled/perform.ts';
import { perform } from './scheduled/perform.ts';
import { createWatch } from './scheduled/watch.ts';
import type { Services } from './services.ts';
import { tellReply } from './tell-reply.ts';

/** The whole proxy as one function, in the shape of a serverless platform. */
export interface App {
  fetch(request: Request, env: Env, ctx: Context): Response | Promise<Response>;
  /** Does what is to be done now and then. Which task when is the platform's to say; whether it is due, the task's. */
  scheduled(task: Task): Promise<void>;
}

/** All routes. Who may call one is said by the route itself; what is not here is not reachable. */
export function routesOf(services: Services): readonly Route[] {
  return [
    ...ENDPOINTS.flatMap((endpoint) => forwardRoutes(endpoint, services)),
    ...modelRoutes(services),
    ...meRoutes(services),
    ...adminRoutes(services),
    ...healthRoutes(services),
    ...metricsRoutes(services),
  ];
}

interface Bindings {
  readonly env: Env;
  readonly ctx: Context;
}

/** Puts the routes behind their own declarations of access. */
export function createApp(parts: Services): App {
  const services = { ...parts, upstream: watchedUpstream(parts) };
  const watch = createWatch(services);
  const app = new Hono<{ Bindings: Bindings }>({ strict: true });
  const exchangeOf = (route: string, { req, env }: HonoContext<{ Bindings: Bindings }>): Exchange => {
    const startedMs = services.clock.elapsedMs();
    return {
      request: req.raw,
      requestId: services.ids.next(),
      startedMs,
      trace:
        services.tracer?.begin({ ...traceable(req.raw), route, startedMs, address: env.env.address }) ?? null,
      params: req.param(),
      ...env,
    };
  };
  for (const route of routesOf(services)) {
    app.on(route.method, route.path, (c) => answer(route, services, exchangeOf(route.path, c)));
  }
  app.notFound((c) => {
    const exchange = exchangeOf('unmatched', c);
    const { request, requestId, env } = exchange;
    const isThere = c.req.path.startsWith('/admin') && mayAdminister(env, services);
    const isRefused = isThere && !isAdmin(request, services);
    const reply = isRefused ? adminOnly(requestId) : unknownUrl(request, requestId);
    return tellReply(services, exchange, reply, { route: 'unmatched' });
  });
  return {
    fetch: (request, env, ctx) => app.fetch(request, { env, ctx }),
    scheduled: (task) => perform(task, { ...services, watch }),
  };
}

/** What of a request a trace may know. */
function traceable({ method, headers }: Request) {
  return {
    method,
    host: headers.get('host'),
    traceparent: headers.get('traceparent'),
    tracestate: headers.get('tracestate'),
  };
}

/** Lets a call in, or not, and tells the observer what became of it unless the route does so itself. */
async function answer(route: Route, services: Services, exchange: Exchange): Promise<Response> {
  const tell = (reply: Response) => tellReply(services, exchange, reply, { route: route.path });
  try {
    const entry = await enter(route, services, exchange);
    if (entry instanceof Response) return tell(entry);
    const reply = await entry();
    return route.access === 'key' && route.tells ? reply : tell(reply);
  } catch (error) {
    return tell(fail(error, exchange.requestId, services));
  }
}

/** The way into a route for those who may call it, as it says itself; or the refusal. */
function enter(
  route: Route,
  services: Services,
  exchange: Exchange,
): Response | Entry | Promise<Response | Entry> {
  switch (route.access) {
    case 'public':
      return () => route.handle(exchange);
    case 'admin':
      if (!mayAdminister(exchange.env, services)) return unknownUrl(exchange.request, exchange.requestId);
      if (!isAdmin(exchange.request, services)) return adminOnly(exchange.requestId);
      return () => route.handle(exchange, `admin@${exchange.env.address}`);
    case 'metrics':
      if (!mayReadMetrics(exchange, services)) return adminOnly(exchange.requestId);
      return () => route.handle(exchange);
    case 'key':
      return enterWithKey(route, services, exchange);
    default:
      return route satisfies never;
  }
}

type Entry = () => Response | Promise<Response>;

type KeyRoute = Extract<Route, { access: 'key' }>;

function enterWithKey(route: KeyRoute, services: Services, exchange: Exchange): ReturnType<typeof enter> {
  const { requestId, request } = exchange;
  const credential = credentialOf(request.headers);
  const headers = { 'x-request-id': requestId };
  if (credential.kind === 'several') {
    const message = 'Send one API key, in one header: several different ones were given.';
    const error = { status: 400, type: 'invalid_request_error', code: 'several_credentials', message };
    return errorReply({ ...error, headers });
  }
  const unknown = () => refuse({ kind: 'unknown_key' }, services.clock.now(), headers);
  if (credential.kind !== 'secret') return unknown();
  const { secret } = credential;
  const isOurs = isWellFormed(secret);
  if (!isOurs && !isForeign(secret, services.policy.keyPrefix)) return unknown();
  const digest = services.secrets.digest(secret);
  const entry = () => route.handle(exchange, digest);
  if (isOurs) return entry;
  return isImported(digest, services).then((known) => (known ? entry : unknown()));
}

/**
 * A secret of another system has no checksum that we know, so anybody can invent one: it is looked up before anything
 * else is done for it. That records nothing and keeps nothing.
 */
async function isImported(digest: Digest, { keys }: Pick<Services, 'keys'>): Promise<boolean> {
  return (await keys.account({ digest })) !== undefined;
}

/** Elsewhere the admin API is not even there: a 403 would say that it is, and a 401 that tokens can be tried out. */
function mayAdminister({ address }: Env, { policy: { adminAddresses } }: Services): boolean {
  return adminAddresses === null || includesAddress(adminAddresses, address);
}

function isAdmin(request: Request, { secrets, policy }: Services): boolean {
  const token = bearerOf(request);
  return token !== undefined && secrets.isOneOf(token, policy.adminTokens);
}

function mayReadMetrics({ request, env }: Exchange, services: Services): boolean {
  const { secrets, policy } = services;
  // Where the admin API is not, the admin's token opens nothing: or a guess could be tried out here.
  const adminTokens = mayAdminister(env, services) ? policy.adminTokens : [];
  const token = bearerOf(request);
  return token !== undefined && secrets.isOneOf(token, [...adminTokens, ...policy.metricsTokens]);
}

function bearerOf(request: Request): string | undefined {
  return /^bearer +([\x21-\x7e]+)$/i.exec(request.headers.get('authorization') ?? '')?.[1];
}

function adminOnly(requestId: RequestId): Response {
  const message = "This needs the admin token, as 'Authorization: Bearer …'.";
  const error = { status: 401, type: 'authentication_error', code: 'invalid_admin_token', message };
  return errorReply({ ...error, headers: { 'x-request-id': requestId, 'www-authenticate': 'Bearer' } });
}

function unknownUrl({ method, url }: Request, requestId: RequestId): Response {
  const path = new URL(url).pathname;
  const message = `Unknown request URL: ${method.slice(0, 20)} ${path.slice(0, 200)}.`;
  const error = { status: 404, type: 'invalid_request_error', code: 'unknown_url', message };
  return errorReply({ ...error, headers: { 'x-request-id': requestId } });
}
