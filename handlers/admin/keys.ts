import { keyUnder } from '#core/applications.ts';
import { emptyBuckets } from '#core/apply.ts';
import type { KeyAmendment } from '#core/key-registry.ts';
import type { Instant } from '#core/model.ts';
import { formSecret, hintOf, SECRET_RANDOM_BYTES } from '#core/secret.ts';
import type { Services } from '../services.ts';
import type { Asked, Implementation } from './contract/action.ts';
import type { Contract } from './contract.ts';
import { findAccount, keyDeleted, keyNotFound } from './find-account.ts';
import { importKeys } from './import-keys.ts';
import { keyView } from './key-view.ts';
import { refuseExpired, termsOf } from './new-key-terms.ts';

export type KeyServices = Pick<Services, 'keys' | 'secrets' | 'ids' | 'calendar' | 'policy' | 'prices'>;

/** Making keys, looking at them, changing and deleting them. */
export function keyActions(services: KeyServices): Implementation<Contract['keys']> {
  const { keys, calendar } = services;
  return {
    create: (asked) => create(asked, services),
    import: importKeys(services),

    async list({ query: { status, q, limit, cursor }, at }) {
      const { items, more } = await keys.list({
        at,
        limit,
        ...(status !== undefined && { status }),
        ...(q !== undefined && { text: q }),
        ...(cursor !== undefined && { after: cursor }),
      });
      const views = items.map((account) => keyView(account, at, calendar));
      return { items: views, next_cursor: (more && views.at(-1)?.id) || null };
    },

    async get({ params, at }) {
      const account = await findAccount(params.key, services);
      return account === undefined ? keyNotFound() : keyView(account, at, calendar);
    },

    async patch({ params, body, at, operation }) {
      const account = await findAccount(params.key, services);
      if (account === undefined) return keyNotFound();
      const { id } = account.key;
      const key = await keys.amend(id, amendmentOf(body, at), operation(id, body));
      return key === undefined ? keyDeleted() : keyView({ ...account, key }, at, calendar);
    },

    async rotate({ params, body, at, operation }) {
      const account = await findAccount(params.key, services);
      if (account === undefined) return keyNotFound();
      const { id } = account.key;
      const secret = newSecret(services);
      const made = { digest: services.secrets.digest(secret), hint: hintOf(secret) };
      const rotation = { at, ...made, graceMs: body.grace_seconds * 1000 };
      const key = await keys.rotate(id, rotation, operation(id, body));
      return key === undefined
        ? keyDeleted()
        : { ...keyView({ ...account, key }, at, calendar), key: secret };
    },

    async delete({ params, at, operation }) {
      const account = await findAccount(params.key, services);
      if (account === undefined) return keyNotFound();
      const { id, hint, label } = account.key;
      const deleted = { ok: true, id, key: hint, label, status: 'deleted' } as const;
      if (account.key.deletedAt !== null) return { ...deleted, deleted_at: account.key.deletedAt };
      await keys.amend(id, { at, deletedAt: at }, operation(id, {}));
      return { ...deleted, deleted_at: at };
    },
  };
}

/** The secret is in the answer, and nowhere else: not in the registry, not in the operation. */
async function create(
  { body, at, operation }: Asked<Contract['keys']['create']>,
  { keys, secrets, ids, calendar, policy }: KeyServices,
) {
  const terms = termsOf(body, '', policy);
  const expired = refuseExpired(terms, at);
  if (expired !== undefined) return expired;
  const secret = newSecret({ ids, policy });
  const own = { id: ids.next(), digest: secrets.digest(secret), hint: hintOf(secret) };
  const key = keyUnder(terms, own, at);
  await keys.add(key, operation(key.id, body));
  const unused = { key, buckets: emptyBuckets(), open: [], lastUsedAt: null };
  return { ...keyView(unused, at, calendar), key: secret };
}

function newSecret({ ids, policy }: Pick<KeyServices, 'ids' | 'policy'>): string {
  return formSecret(policy.keyPrefix, ids.random(SECRET_RANDOM_BYTES));
}

function amendmentOf(body: Asked<Contract['keys']['patch']>['body'], at: Instant): KeyAmendment {
  const { expires_at, requests_per_minute, max_concurrency, ...same } = body;
  return {
    at,
    ...same,
    ...(expires_at !== undefined && { expiresAt: expires_at }),
    ...(requests_per_minute !== undefined && { requestsPerMinute: requests_per_minute }),
    ...(max_concurrency !== undefined && { maxConcurrency: max_concurrency }),
  };
}
