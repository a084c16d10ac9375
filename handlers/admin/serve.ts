import type * as z from 'zod';
import type { OperationDraft } from '#core/operation.ts';
import { json } from '../reply.ts';
import type { Actor, Exchange, Route } from '../route.ts';
import type { Services } from '../services.ts';
import type { Action, ActionGroup, Implementation, Perform } from './contract/action.ts';
import type { Ports } from './draft-changes.ts';
import { idempotencyKeyOf, malformedKey } from './idempotency-key.ts';
import type { Part } from './invalid.ts';
import { explain, invalid, problemsOf } from './invalid.ts';
import { type Once, type OnceServices, openOnce } from './once.ts';
import type { Input } from './read-input.ts';
import { readJson, readQuery } from './read-input.ts';

/** What serving takes, whatever the actions do. */
export type ServeServices = Pick<Services, 'clock' | 'policy'> & OnceServices;

type Groups = Readonly<Record<string, ActionGroup>>;
type Implementations<C extends Groups> = { readonly [Group in keyof C]: Implementation<C[Group]> };

/**
 * A contract and what carries it out, as routes: one for each action. What carries it out is made by `implement` on the
 * ports that it changes things by: a call with an Idempotency-Key gets ports of its own.
 */
export function serve<C extends Groups>(
  contract: C,
  implement: (ports: Ports) => Implementations<C>,
  services: ServeServices,
): readonly Route[] {
  const routes: Route[] = [];
  const serving = { ...services, once: openOnce(services) };
  for (const group in contract) {
    routes.push(
      ...serveGroup<C[typeof group]>(group, contract[group], (ports) => implement(ports)[group], serving),
    );
  }
  return routes;
}

type Serving = ServeServices & { readonly once: Once };

function serveGroup<G extends ActionGroup>(
  groupName: string,
  group: G,
  implement: (ports: Ports) => Implementation<G>,
  serving: Serving,
): readonly Route[] {
  const routes: Route[] = [];
  for (const name in group) {
    routes.push(
      serveAction<G[typeof name]>(
        `${groupName}.${name}`,
        group[name],
        (ports) => implement(ports)[name],
        serving,
      ),
    );
  }
  return routes;
}

function serveAction<A extends Action>(
  name: string,
  action: A,
  performOn: (ports: Ports) => Perform<A>,
  serving: Serving,
): Route {
  const perform = performOn(serving);
  const reads = action.method === 'GET';

  async function handle({ request, params }: Exchange, actor: Actor): Promise<Response> {
    // RFC 9110 §9.2.2: to look at something twice is to look at it once.
    const once = reads ? NOT_ONCE : idempotencyKeyOf(request.headers);
    if (once.kind === 'malformed') return malformedKey();
    const path = check<A['params']>(action.params, 'path', { ok: true, value: params });
    if (!path.ok) return path.response;
    const query = check<A['query']>(action.query, 'query', readQuery(request));
    if (!query.ok) return query.response;
    const body = check<A['body']>(action.body, 'body', reads ? NO_BODY : await readJson(request));
    if (!body.ok) return body.response;
    const given = { params: path.value, query: query.value, body: body.value };
    const asked = { ...given, ...recorderOf(name, actor, serving) };
    const act = async (performing: Perform<A>) => {
      const reply = await performing(asked);
      return reply instanceof Response ? reply : json(action.status, reply);
    };
    if (once.kind === 'none') return act(perform);
    const call = { key: once.key, asks: [name, given], at: asked.at };
    return serving.once(call, (ports) => act(performOn(ports)));
  }
  const { method, path } = action;
  return {
    method,
    path,
    access: 'admin',
    handle: async (exchange, actor) => {
      const response = await handle(exchange, actor);
      response.headers.set('cache-control', 'no-store');
      response.headers.set('x-request-id', exchange.requestId);
      return response;
    },
  };
}

const NOT_ONCE = { kind: 'none' } as const;
const NO_BODY: Input = { ok: true, value: {} };

type Checked<T> = { readonly ok: true; readonly value: T } | Extract<Input, { ok: false }>;

function check<S extends z.ZodObject>(schema: S, part: Part, input: Input): Checked<z.output<S>> {
  if (!input.ok) return input;
  const parsed = schema.safeParse(input.value, { error: explain });
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, response: invalid(part, problemsOf(parsed.error)) };
}

function recorderOf(action: string, actor: Actor, { clock, policy }: ServeServices) {
  const at = clock.now();
  const operation = (target: string, details: OperationDraft['details']) =>
    policy.operationLog ? { at, actor, action, target, details } : null;
  return { at, actor, operation };
}
