import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import type { Route } from './route.ts';

/** How long a browser may remember what it may send; Chromium remembers no longer (Fetch standard, CORS-preflight cache). */
const REMEMBERED_S = 7_200;

/**
 * Lets pages of `origins` call the client API from a browser (https://fetch.spec.whatwg.org/#http-cors-protocol): the
 * routes that a key opens, and none else. Cookies are never taken, so there is nothing that a page could use unasked.
 */
export function allowOrigins(
  app: { use(path: string, handler: MiddlewareHandler): unknown },
  routes: readonly Route[],
  origins: readonly string[],
): void {
  if (origins.length === 0) return;
  const handler = cors({
    origin: origins.includes('*') ? '*' : [...origins],
    allowMethods: ['GET', 'POST'],
    // What is asked for is allowed: nothing of it but the key and a few names that are checked has a meaning here.
    allowHeaders: [],
    exposeHeaders: ['*'],
    maxAge: REMEMBERED_S,
  });
  const short = routes.filter(({ access, path }) => access === 'key' && !path.startsWith('/v1/'));
  for (const path of new Set(['/v1/*', ...short.map((route) => route.path)])) app.use(path, handler);
}
