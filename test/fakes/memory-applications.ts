import {
  type Application,
  type ApplicationId,
  type ApplicationRef,
  type Applications,
  applicationStatusOf,
  claimable,
  endedBefore,
  keyUnder,
  mayDecide,
} from '#core/applications.ts';
import type { ApiKey, Instant } from '#core/model.ts';
import type { OperationDraft } from '#core/operation.ts';

/** What of the store applications need beside their own memory. */
interface Beside {
  addKey(key: ApiKey): void;
  /** Counts a change. */
  changed(): void;
  log(operation: OperationDraft | null): Promise<unknown>;
}

/** The reference: nothing but a map, and core's rules. */
export function memoryApplications(
  all: Map<ApplicationId, Application>,
  { addKey, changed, log }: Beside,
): Applications {
  const find = (ref: ApplicationRef) =>
    'id' in ref ? all.get(ref.id) : [...all.values()].find(({ digest }) => digest === ref.digest);
  const pending = (at: Instant) =>
    [...all.values()].filter((each) => applicationStatusOf(each, at) === 'pending').length;
  const change = async (application: Application, operation: OperationDraft | null) => {
    all.set(application.id, application);
    changed();
    await log(operation);
    return { done: true, application };
  };
  return {
    async add(application, pendingMax) {
      if (find({ id: application.id }) ?? find({ digest: application.digest })) {
        throw new Error('there is such an application');
      }
      if (pending(application.madeAt) >= pendingMax) return false;
      all.set(application.id, application);
      changed();
      return true;
    },
    find: async (ref) => find(ref),
    async list({ status, at, limit, after }) {
      const found = [...all.values()]
        .filter((each) => status === undefined || applicationStatusOf(each, at) === status)
        .filter(({ id }) => after === undefined || id < after)
        .sort((a, b) => (a.id < b.id ? 1 : -1));
      return { items: found.slice(0, limit), more: found.length > limit };
    },
    pending: async (at) => pending(at),
    async decide(id, verdict, operation) {
      const application = all.get(id);
      if (application === undefined) return undefined;
      if (!mayDecide(application, verdict.at)) return { done: false, application };
      return change({ ...application, verdict }, operation);
    },
    async forget({ before, after, lookMax }) {
      const looked = [...all.values()]
        .filter(({ id, madeAt }) => (after === null || id > after) && madeAt < before)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, lookMax);
      for (const each of looked) if (endedBefore(each, before)) all.delete(each.id);
      return looked.length < lookMax ? null : (looked.at(-1)?.id ?? null);
    },
    async claim(id, key, at, operation) {
      const application = all.get(id);
      if (application === undefined) return undefined;
      const terms = claimable(application, at);
      if (terms === undefined) return { done: false, application };
      addKey(keyUnder(terms, key, at));
      return change({ ...application, claim: { at, keyId: key.id } }, operation);
    },
  };
}
