import type * as z from 'zod';
import type { OperationDraft } from '#core/operation.ts';
import { json } from '../reply.ts';
import type { Actor, Exchange, Route } from '../route.ts';
import type { Services } from '../services.ts';
import type { Action, ActionGroup, Implementation, Perform } from './contract/action.ts';
import type { Part } from './invalid.ts';
import { explain, invalid, problemsOf } from './invalid.ts';
import type { Input } from './read-input.ts';
import { readJson, readQuery } from './read-input.ts';

/** What serving takes, whatever the actions do. */
export type ServeServices = Pick<Services, 'clock' | 'policy'>;

type Groups = Readonly<Record<string, ActionGroup>>;
type Implementations<C extends Groups> = { readonly [Group in keyof C]: Implementation<C[Group]> };

/** A contract and what carries it out, as routes: one for each action. */
export function serve<C extends Groups>(
  contract: C,
  implementations: Implementations<C>,
  services: ServeServices,
): readonly Route[] {
  const routes: Route[] = [];
  for (const group in contract) {
    routes.push(...serveGroup(group, contract[group], implementations[group], services));
  }
  return routes;
}

function serveGroup<G extends ActionGroup>(
  groupName: string,
  group: G,
  implementation: Implementation<G>,
  services: ServeServices,
): readonly Route[] {
  const routes: Route[] = [];
  for (const name in group) {
    routes.push(serveAction(`${groupName}.${name}`, group[name], implementation[name], services));
  }
  return routes;
}

function serveAction<A extends Action>(
  name: string,
  action: A,
  perform: Perform<A>,
  services: ServeServices,
): Route {
  async function handle({ request, params }: Exchange, actor: Actor): Promise<Response> {
    const path = check<A['params']>(action.params, 'path', { ok: true, value: params });
    if (!path.ok) return path.response;
    const query = check<A['query']>(action.query, 'query', readQuery(request));
    if (!query.ok) return query.response;
    const body = check<A['body']>(
      action.body,
      'body',
      request.method === 'GET' ? NO_BODY : await readJson(request),
    );
    if (!body.ok) return body.response;
    const recorder = recorderOf(name, actor, services);
    const asked = { params: path.value, query: query.value, body: body.value, ...recorder };
    const reply = await perform(asked);
    return reply instanceof Response ? reply : json(action.status, reply);
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
  return { at, operation };
}
