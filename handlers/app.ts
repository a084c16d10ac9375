import { Hono, type Context as HonoContext } from 'hono';
import { ENDPOINTS } from '#core/endpoints.ts';
import { adminRoutes } from './admin/routes.ts';
import { allowOrigins } from './allow-origins.ts';
import { applicationRoutes } from './applications/application-routes.ts';
import { inDialect } from './dialect.ts';
import { docsRoutes } from './docs/docs-routes.ts';
import { enter, nowhere } from './enter.ts';
import { fail } from './failure.ts';
import { healthRoutes } from './health.ts';
import { meRoutes } from './me.ts';
import { metricsRoutes } from './metrics.ts';
import { forwardRoutes } from './proxy/forward.ts';
import { modelRoutes } from './proxy/models.ts';
import type { Context, Env, Exchange, Route } from './route.ts';
import { createForgetApplications } from './scheduled/forget-applications.ts';
import type { Task } from './scheduled/perform.ts';
import { perform } from './scheduled/perform.ts';
import { createRetain } from './scheduled/retain.ts';
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
    ...applicationRoutes(services),
    ...adminRoutes(services),
    ...healthRoutes(services),
    ...metricsRoutes(services),
    ...docsRoutes(services),
  ];
}

interface Bindings {
  readonly env: Env;
  readonly ctx: Context;
}

/** Puts the routes behind their own declarations of access. */
export function createApp(services: Services): App {
  const watch = createWatch(services);
  const retain = createRetain(services);
  const forgetApplications = createForgetApplications(services);
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
  const routes = routesOf(services);
  allowOrigins(app, routes, services.policy.corsOrigins);
  for (const route of routes) {
    app.on(route.method, route.path, async (c) => {
      const exchange = exchangeOf(route.path, c);
      return inDialect(await answer(route, services, exchange), route.path, exchange.requestId);
    });
  }
  app.notFound((c) => {
    const exchange = exchangeOf('unmatched', c);
    const reply = tellReply(services, exchange, nowhere(services, exchange), { route: 'unmatched' });
    return inDialect(reply, c.req.path, exchange.requestId);
  });
  return {
    fetch: (request, env, ctx) => app.fetch(request, { env, ctx }),
    scheduled: (task) => perform(task, { ...services, watch, retain, forgetApplications }),
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
