import type * as z from 'zod';
import { networkOf } from '#core/address.ts';
import type { Application } from '#core/applications.ts';
import { endsAt } from '#core/applications.ts';
import type { Instant } from '#core/model.ts';
import { formSecret, isWellFormed, SECRET_RANDOM_BYTES } from '#core/secret.ts';
import { throttle } from '#core/throttle.ts';
import { explain, invalid, problemsOf } from '../admin/invalid.ts';
import { readJson } from '../admin/read-input.ts';
import { json } from '../reply.ts';
import type { Exchange, Route } from '../route.ts';
import type { ApplicationPolicy, Services } from '../services.ts';
import { applying, claiming } from './application-bodies.ts';
import { full, notFound, tooMany } from './application-refusals.ts';
import { applicantView } from './application-view.ts';
import { type Claimant, type ClaimServices, claim } from './claim.ts';
import { pageRoutes } from './page-routes.ts';
import { tellApplied } from './tell-applied.ts';

type ApplicationServices = ClaimServices & Pick<Services, 'clock' | 'observer' | 'webhook'>;

/** Tells a claim token from a key, for people and for whoever looks for leaked secrets. */
const CLAIM_PREFIX = 'claim-';
const BODY_BYTES_MAX = 16 * 1024;
const HOUR_MS = 60 * 60_000;
/** Looking and claiming, from one address: far more than a person does. */
const LOOKS = { count: 30, withinMs: 60_000 } as const;

/** Applying for a key and claiming it, where the operator opened that; else there is nothing of it. */
export function applicationRoutes(services: ApplicationServices): readonly Route[] {
  const policy = services.policy.applications;
  if (policy === null) return [];
  const post = (path: string, handle: (exchange: Exchange) => Promise<Response>): Route => ({
    method: 'POST',
    path,
    access: 'public',
    async handle(exchange) {
      const response = await handle(exchange);
      response.headers.set('cache-control', 'no-store');
      response.headers.set('x-request-id', exchange.requestId);
      return response;
    },
  });
  const { look, claim } = claimHandlers(services);
  return [
    post('/v1/applications', applyHandler(services, policy)),
    post('/v1/applications/status', look),
    post('/v1/applications/claim', claim),
    ...pageRoutes(),
  ];
}

function applyHandler(services: ApplicationServices, policy: ApplicationPolicy) {
  const { applications, clock, ids, secrets } = services;
  const accepted = throttle({ count: policy.perHour, withinMs: HOUR_MS });
  return async ({ request, env }: Exchange): Promise<Response> => {
    const body = await bodyOf(request, applying);
    if (body instanceof Response) return body;
    const at = clock.now();
    const waitMs = accepted.take(networkOf(env.address), at);
    if (waitMs > 0) return tooMany(waitMs);
    const token = formSecret(CLAIM_PREFIX, ids.random(SECRET_RANDOM_BYTES));
    const { name, contact = null, reason = null } = body;
    const said = { name, contact, reason, madeAt: at, verdict: null, claim: null };
    const application: Application = { id: ids.next(), digest: secrets.digest(token), ...said };
    if (!(await applications.add(application, policy.pendingMax))) return full();
    tellApplied(application, services);
    return json(201, {
      id: application.id,
      status: 'pending',
      ends_at: endsAt(application),
      claim_token: token,
      claim_url: `/claim#${token}`,
    });
  };
}

/** Both take the token in a body: in an address it would be in the logs of every server on the way. */
function claimHandlers(services: ApplicationServices) {
  const { applications, clock, secrets } = services;
  const looks = throttle(LOOKS);

  /** Whose token is in the body, or the refusal. */
  async function found({ request, env }: Exchange, at: Instant): Promise<Claimant | Response> {
    const body = await bodyOf(request, claiming);
    if (body instanceof Response) return body;
    const waitMs = looks.take(networkOf(env.address), at);
    if (waitMs > 0) return tooMany(waitMs);
    const token = body.claim_token;
    if (!isWellFormed(token) || !token.startsWith(CLAIM_PREFIX)) return notFound();
    const application = await applications.find({ digest: secrets.digest(token) });
    return application === undefined ? notFound() : { application, token, address: env.address };
  }

  return {
    async look(exchange: Exchange): Promise<Response> {
      const at = clock.now();
      const claimant = await found(exchange, at);
      return claimant instanceof Response ? claimant : json(200, applicantView(claimant.application, at));
    },
    async claim(exchange: Exchange): Promise<Response> {
      const at = clock.now();
      const claimant = await found(exchange, at);
      return claimant instanceof Response ? claimant : claim(claimant, at, services);
    },
  };
}

async function bodyOf<S extends z.ZodObject>(request: Request, schema: S): Promise<z.output<S> | Response> {
  const input = await readJson(request, BODY_BYTES_MAX);
  if (!input.ok) return input.response;
  const parsed = schema.safeParse(input.value, { error: explain });
  return parsed.success ? parsed.data : invalid('body', problemsOf(parsed.error));
}
