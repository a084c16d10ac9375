import type { Application, ApplicationChange, Verdict } from '#core/applications.ts';
import { applicationStatusOf } from '#core/applications.ts';
import type { Instant } from '#core/model.ts';
import { applicationView } from '../applications/application-view.ts';
import { errorReply } from '../reply.ts';
import type { Services } from '../services.ts';
import type { Implementation } from './contract/action.ts';
import type { Contract } from './contract.ts';
import { refuseExpired, termsOf } from './new-key-terms.ts';

type Group = Contract['applications'];

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
      // What is not said stays as it is now until the claim.
      const terms = termsOf(body, application.name, policy);
      const expired = refuseExpired(terms, at);
      if (expired !== undefined) return expired;
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
