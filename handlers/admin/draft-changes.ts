import { amended, ledgerTime } from '#core/amend.ts';
import type { Application, ApplicationId, ApplicationRef, Applications } from '#core/applications.ts';
import { mayDecide } from '#core/applications.ts';
import { emptyBuckets } from '#core/apply.ts';
import type { Command, ResultOf } from '#core/command.ts';
import type { Change, KeptReply } from '#core/kept-reply.ts';
import type { KeyRef, KeyRegistry } from '#core/key-registry.ts';
import type { Account, ApiKey, KeyId, Sponsor } from '#core/model.ts';
import { isDigestOf, rotated } from '#core/rotate.ts';
import { mutex } from '../mutex.ts';
import type { Services } from '../services.ts';

/** What an action changes things by. */
export type Ports = Pick<Services, 'keys' | 'applications' | 'operations' | 'ledger'>;

/** Ports that answer as the store would, and record nothing yet. */
export interface Draft {
  readonly ports: Ports;
  /**
   * Records all that was asked of the ports together with the answer, in one commit. False, and nothing recorded, if
   * keys or applications changed meanwhile: then the answers were not true, and all is to be asked again.
   */
  record(reply: KeptReply): Promise<boolean>;
}

/** In one commit at most. A reset of more keys than these takes several, and the last of them has the answer. */
const CHANGES_MAX = 5000;

/** Begins a draft: what the registry answers is true as of now. */
export async function draftChanges(services: Ports & Pick<Services, 'replies'>): Promise<Draft> {
  const { operations, ledger, replies } = services;
  const [version, sponsor] = await Promise.all([replies.version(), services.keys.sponsor()]);
  const changes: Change[] = [];
  let partial = false;

  async function change(made: Change): Promise<void> {
    changes.push(made);
    if (changes.length < CHANGES_MAX) return;
    partial = true;
    await replies.record({ changes: changes.splice(0), version: null, reply: null });
  }

  const keys = draftKeys(services.keys, sponsor, change);
  return {
    ports: {
      keys,
      applications: draftApplications(services.applications, change),
      operations: { ...operations, append: (operation) => change({ kind: 'append', operation }) },
      ledger: {
        ...ledger,
        async execute<C extends Command>(command: C): Promise<ResultOf<C>> {
          if (command.kind !== 'reset') return ledger.execute(command);
          await change({ kind: 'execute', command });
          return { ended: true } as ResultOf<C>;
        },
      },
    },
    record(reply) {
      const depends = changes.some(({ kind }) => kind !== 'append' && kind !== 'execute');
      return replies.record({ changes, version: depends && !partial ? version : null, reply });
    },
  };
}

/** A registry with what was asked of it in this draft. */
function draftKeys(
  keys: KeyRegistry,
  sponsor: Sponsor,
  change: (made: Change) => Promise<void>,
): KeyRegistry {
  const drafted = new Map<KeyId, Account>();
  // As the store would: what is asked at once must not be answered as if each were alone.
  const inTurn = mutex();

  async function account(ref: KeyRef): Promise<Account | undefined> {
    const own = [...drafted.values()].find(({ key }) =>
      'id' in ref ? key.id === ref.id : isDigestOf(key, ref.digest),
    );
    return own ?? keys.account(ref);
  }

  function add(key: ApiKey, made: Change): Promise<void> {
    const unused = { buckets: emptyBuckets(), open: [], lastUsedAt: null, arrivalUs: 0, sponsor };
    drafted.set(key.id, { key, ...unused });
    return change(made);
  }

  /** The key after `act`; `undefined` if there is none to change. */
  async function replace(id: KeyId, act: (key: ApiKey) => ApiKey, made: Change): Promise<ApiKey | undefined> {
    const found = await account({ id });
    if (found === undefined || found.key.deletedAt !== null) return undefined;
    const key = act(found.key);
    drafted.set(id, { ...found, key });
    await change(made);
    return key;
  }

  return {
    ...keys,
    account,
    add: (key, operation) => inTurn(() => add(key, { kind: 'add_key', key, operation })),
    bringIn: (key, history, at, operation) =>
      inTurn(async () => {
        if ((await account({ digest: key.digest })) !== undefined) return false;
        await add(key, { kind: 'bring_in', key, history, at, operation });
        return true;
      }),
    amend(id, amendment, operation) {
      const made = { kind: 'amend_key', id, amendment, operation } as const;
      return inTurn(() => replace(id, (key) => amended(key, amendment, sponsor), made));
    },
    rotate(id, rotation, operation) {
      const made = { kind: 'rotate_key', id, rotation, operation } as const;
      return inTurn(() => replace(id, (key) => rotated(key, rotation), made));
    },
    async setSponsorQuotas(quotas, at, operation) {
      await change({ kind: 'set_sponsor_quotas', quotas, at, operation });
      return { ...sponsor, quotas, quotasSetAt: ledgerTime(sponsor, at) };
    },
  };
}

/** Applications with what was decided in this draft. */
function draftApplications(
  applications: Applications,
  change: (made: Change) => Promise<void>,
): Applications {
  const drafted = new Map<ApplicationId, Application>();
  const inTurn = mutex();

  async function find(ref: ApplicationRef): Promise<Application | undefined> {
    const found = await applications.find(ref);
    return found && (drafted.get(found.id) ?? found);
  }

  return {
    ...applications,
    find,
    decide: (id, verdict, operation) =>
      inTurn(async () => {
        const found = await find({ id });
        if (found === undefined) return undefined;
        if (!mayDecide(found, verdict.at)) return { done: false, application: found };
        const application = { ...found, verdict };
        drafted.set(id, application);
        await change({ kind: 'decide_application', id, verdict, operation });
        return { done: true, application };
      }),
  };
}
