import type { Application, ApplicationChange, KeyExpiry, KeyTerms, Verdict } from '#core/applications.ts';
import { applicationStatusOf } from '#core/applications.ts';
import type { Instant } from '#core/model.ts';
import { applicationView } from '../applications/application-view.ts';
import { errorReply } from '../reply.ts';
import type { Policy, Services } from '../services.ts';
import type { Asked, Implementation } from './contract/action.ts';
import type { Contract } from './contract.ts';
import { invalid } from './invalid.ts';
import { DAY_MS, quotasOf } from './new-key-terms.ts';

type Group = Contract['applications'];
type Terms = Asked<Group['approve']>['body'];

export type ApplicationServices = Pick<Services, 'applications' | 'policy'>;

/** Deciding on who asked for a key. */
export function applicationActions({ applications, policy }: ApplicationServices): Implementation<Group> {
  return {
    async list({ query: { status, limit, cursor }, at }) {
      const { items, more } = await applications.list({
        at,
        limit,
        ...(status !== undefined && { status }),
        ...(cursor !== undefined && { after: cursor.toLowerCase() }),
      });
      const views = items.map((application) => applicationView(application, at));
      return { items: views, next_cursor: (more && views.at(-1)?.id) || null };
    },

    async approve({ params, body, at, actor, operation }) {
      const id = params.id.toLowerCase();
      const application = await applications.find({ id });
      if (application === undefined) return applicationNotFound();
      const terms = termsOf(body, application, policy);
      if (terms.expiry.kind === 'at' && terms.expiry.at <= at) {
        const message = 'must be in the future, in milliseconds since 1970; null is never';
        return invalid('body', [{ field: 'expires_at', message }]);
      }
      const verdict: Verdict = { kind: 'approved', at, by: actor, terms };
      return decided(await applications.decide(id, verdict, operation(id, body)), at);
    },

    async reject({ params, body, at, actor, operation }) {
      const id = params.id.toLowerCase();
      const verdict: Verdict = { kind: 'rejected', at, by: actor, reason: body.reason ?? null };
      return decided(await applications.decide(id, verdict, operation(id, body)), at);
    },
  };
}

function decided(change: ApplicationChange | undefined, at: Instant) {
  if (change === undefined) return applicationNotFound();
  return change.done ? applicationView(change.application, at) : decidedBefore(change.application, at);
}

/** What is not said is as it is for other new keys now, and stays so until the claim. */
function termsOf(body: Terms, { name }: Application, policy: Policy): KeyTerms {
  return {
    label: body.label ?? name,
    expiry: expiryOf(body, policy.keyExpiryDays),
    quotas: quotasOf(body, policy.dailyRequestLimit),
    models: body.models ?? null,
    ips: body.ips ?? null,
    requestsPerMinute: body.requests_per_minute ?? null,
    maxConcurrency: body.max_concurrency ?? null,
    metadata: body.metadata ?? {},
  };
}

function expiryOf({ expires_at, expires_in_days }: Terms, defaultDays: number): KeyExpiry {
  if (expires_at === null) return { kind: 'never' };
  if (expires_at !== undefined) return { kind: 'at', at: expires_at };
  const days = expires_in_days ?? defaultDays;
  return days === 0 ? { kind: 'never' } : { kind: 'after', spanMs: days * DAY_MS };
}

function applicationNotFound(): Response {
  return errorReply({
    status: 404,
    type: 'invalid_request_error',
    code: 'application_not_found',
    message: 'There is no such application. GET /admin/applications lists all.',
  });
}

function decidedBefore(application: Application, at: Instant): Response {
  return errorReply({
    status: 409,
    type: 'invalid_request_error',
    code: 'application_decided',
    message: `This application is ${applicationStatusOf(application, at)} and cannot be decided any more: whom it is about may apply again.`,
  });
}
