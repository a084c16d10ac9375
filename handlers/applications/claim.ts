import type { Application } from '#core/applications.ts';
import { applicationStatusOf, expiryAt, shownUntil } from '#core/applications.ts';
import { statusOf } from '#core/expire.ts';
import type { Instant, KeyId } from '#core/model.ts';
import type { OperationDraft } from '#core/operation.ts';
import { formSecret, hintOf, SECRET_RANDOM_BYTES } from '#core/secret.ts';
import { json } from '../reply.ts';
import type { Services } from '../services.ts';
import { claimedBefore, expiredBefore } from './application-refusals.ts';
import { applicantView } from './application-view.ts';

export type ClaimServices = Pick<
  Services,
  'applications' | 'keys' | 'operations' | 'ids' | 'secrets' | 'policy'
>;

/** Who has the token of an application. */
export interface Claimant {
  readonly application: Application;
  readonly token: string;
  readonly address: string;
}

/** Makes the key, and shows it; or shows it again, for a few minutes: the answer may not have arrived. */
export async function claim(claimant: Claimant, at: Instant, services: ClaimServices): Promise<Response> {
  const { application } = claimant;
  if (applicationStatusOf(application, at) !== 'approved') return unclaimable(claimant, at, services);
  const { applications, ids } = services;
  const key = keyOf(ids.next(), claimant, services);
  const operation = operationOf(claimant, at, { key_id: key.id, key: key.hint }, services);
  const { secret, ...own } = key;
  const change = await applications.claim(application.id, own, at, operation);
  if (change?.done === true) return shown(change.application, secret, at);
  // Somebody else was quicker: with the same link, or deciding otherwise.
  return unclaimable({ ...claimant, application: change?.application ?? application }, at, services);
}

/**
 * The secret follows from the pepper, the token and the key's id: so it can be told again to who has the token, and is kept
 * nowhere.
 */
function keyOf(id: KeyId, { token }: Claimant, { secrets, policy }: ClaimServices) {
  const secret = formSecret(policy.keyPrefix, secrets.derive(`${id} ${token}`, SECRET_RANDOM_BYTES));
  return { id, digest: secrets.digest(secret), hint: hintOf(secret), secret };
}

async function unclaimable(claimant: Claimant, at: Instant, services: ClaimServices): Promise<Response> {
  switch (applicationStatusOf(claimant.application, at)) {
    case 'claimed':
      return showAgain(claimant, at, services);
    case 'expired':
      return expiredBefore();
    default:
      return json(200, applicantView(claimant.application, at));
  }
}

/** Only a key that is as it was made: of one that was rotated, disabled or deleted since, somebody decided otherwise. */
async function showAgain(claimant: Claimant, at: Instant, services: ClaimServices): Promise<Response> {
  const { application } = claimant;
  if (application.claim === null || shownUntil(application, at) === null) return claimedBefore();
  const { id, digest, hint, secret } = keyOf(application.claim.keyId, claimant, services);
  const found = (await services.keys.account({ digest }))?.key;
  if (found?.id !== id || found.previous !== null || statusOf(found, at) !== 'active') return claimedBefore();
  const operation = operationOf(claimant, at, { key_id: id, key: hint, again: true }, services);
  if (operation !== null) await services.operations.append(operation);
  return shown(application, secret, at);
}

function operationOf(
  { application, address }: Claimant,
  at: Instant,
  details: OperationDraft['details'],
  { policy }: ClaimServices,
): OperationDraft | null {
  if (!policy.operationLog) return null;
  return { at, actor: `applicant@${address}`, action: 'applications.claim', target: application.id, details };
}

function shown(application: Application, secret: string, at: Instant): Response {
  const { verdict, claim: made } = application;
  return json(201, {
    ...applicantView(application, at),
    key_id: made?.keyId,
    key: secret,
    expires_at: verdict?.kind === 'approved' ? expiryAt(verdict.terms.expiry, made?.at ?? at) : null,
  });
}
