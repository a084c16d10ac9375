import type Database from 'better-sqlite3';
import { type Application, claimable, keyUnder, mayDecide } from '#core/applications.ts';
import type { ApiKey } from '#core/model.ts';
import type { OperationDraft } from '#core/operation.ts';
import { applicationRows } from './application-rows.ts';
import { Conflict } from './conflict.ts';
import type { Methods } from './methods.ts';

type ApplicationMethods = Pick<
  Methods,
  | 'addApplication'
  | 'application'
  | 'listApplications'
  | 'pendingApplications'
  | 'decideApplication'
  | 'claimApplication'
  | 'forgetApplications'
>;

/** What of the writer applications need beside their own rows. */
interface Beside {
  /** @throws Conflict before anything is written */
  addKey(key: ApiKey): void;
  log(operation: OperationDraft | null): void;
}

/** What the writer does about applications, inside its transaction. What can be wrong is found before a row is written. */
export function applicationMethods(database: Database.Database, beside: Beside): ApplicationMethods {
  const rows = applicationRows(database);
  const change = (application: Application, operation: OperationDraft | null) => {
    rows.update(application);
    beside.log(operation);
    return { done: true, application };
  };
  return {
    addApplication(application, pendingMax) {
      if (rows.byId(application.id) ?? rows.byDigest(application.digest)) {
        throw new Conflict('there is such an application');
      }
      if (rows.pending(application.madeAt) >= pendingMax) return false;
      rows.insert(application);
      return true;
    },
    application: (ref) => ('id' in ref ? rows.byId(ref.id) : rows.byDigest(ref.digest)),
    listApplications: rows.list,
    forgetApplications: rows.forget,
    pendingApplications: rows.pending,
    decideApplication(id, verdict, operation) {
      const application = rows.byId(id);
      if (application === undefined) return undefined;
      if (!mayDecide(application, verdict.at)) return { done: false, application };
      return change({ ...application, verdict }, operation);
    },
    claimApplication(id, key, at, operation) {
      const application = rows.byId(id);
      if (application === undefined) return undefined;
      const terms = claimable(application, at);
      if (terms === undefined) return { done: false, application };
      beside.addKey(keyUnder(terms, key, at));
      return change({ ...application, claim: { at, keyId: key.id } }, operation);
    },
  };
}
