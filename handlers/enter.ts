import { includesAddress } from '#core/address.ts';
import type { Digest, RequestId } from '#core/model.ts';
import { isForeign, isWellFormed } from '#core/secret.ts';
import { credentialOf } from './proxy/credential.ts';
import { refuse } from './refusal.ts';
import { errorReply } from './reply.ts';
import type { Env, Exchange, Route } from './route.ts';
import type { Services } from './services.ts';

/** The way into a route for those who may call it, as it says itself; or the refusal. */
export function enter(
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
    const message =
      'Send one API key, and each header once: there are different keys, or one header came twice.';
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

/** What is answered where no route is: of the admin's paths nobody else learns which there are. */
export function nowhere(services: Services, { request, requestId, env }: Exchange): Response {
  const isAdminPath = new URL(request.url).pathname.startsWith('/admin') && mayAdminister(env, services);
  return isAdminPath && !isAdmin(request, services) ? adminOnly(requestId) : unknownUrl(request, requestId);
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
  const message = `Unknown request URL: ${method.slice(0, 20)} ${path.slice(0, 200)}. GET /docs lists those that there are.`;
  const error = { status: 404, type: 'invalid_request_error', code: 'unknown_url', message };
  return errorReply({ ...error, headers: { 'x-request-id': requestId } });
}
