import * as z from 'zod';
import type { Digest, Instant } from '#core/model.ts';
import { StoreUnavailable } from '#core/ports.ts';
import type { Services } from '../services.ts';
import { draftChanges, type Ports } from './draft-changes.ts';
import { keyInUse, keyReused } from './idempotency-key.ts';

export type OnceServices = Ports & Pick<Services, 'replies' | 'secrets'>;

/** A call that is to be done once. */
export interface OnceCall {
  /** Its Idempotency-Key. */
  readonly key: string;
  /** All of what it asks for, as plain data. It may hold a secret. */
  readonly asks: unknown;
  readonly at: Instant;
}

/** Answers a call by `act`, which changes things by the ports that it is given, and by nothing else that a second time would hurt. */
export type Once = (call: OnceCall, act: (ports: Ports) => Promise<Response>) => Promise<Response>;

/** Beyond any import that runs beside it: each try is a few milliseconds. */
const TRIES_MAX = 50;

/**
 * Does each call once, however often it is made: what it changes and what it was answered with are one commit, so a crash
 * leaves both or neither. An error changes nothing and is not kept.
 */
export function openOnce(services: OnceServices): Once {
  // One process serves a database, so what is still being answered is answered here.
  const running = new Set<Digest>();
  return async (call, act) => {
    const name = services.secrets.digest(`Idempotency-Key: ${call.key}`);
    if (running.has(name)) return keyInUse();
    running.add(name);
    try {
      return await answer(call, name, act, services);
    } finally {
      running.delete(name);
    }
  };
}

async function answer(
  { key, asks, at }: OnceCall,
  digest: Digest,
  act: (ports: Ports) => Promise<Response>,
  services: OnceServices,
): Promise<Response> {
  const { replies, secrets } = services;
  const request = secrets.digest(`asks ${inOrder(asks)}`);
  const kept = await replies.find(digest, at);
  if (kept !== undefined) {
    return kept.request === request ? replayed(secrets.unseal(kept.sealed, key)) : keyReused();
  }
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const draft = await draftChanges(services);
    const response = await act(draft.ports);
    if (!response.ok) return response;
    const reply = { status: response.status, body: await response.clone().text() };
    const sealed = secrets.seal(JSON.stringify(reply), key);
    if (await draft.record({ digest, request, at, sealed })) return response;
  }
  throw new StoreUnavailable('keys were changed all the time by others');
}

const stored = z.object({ status: z.int(), body: z.string() });

function replayed(text: string | undefined): Response {
  if (text === undefined) throw new Error('an answer that was kept cannot be opened');
  const { status, body } = stored.parse(JSON.parse(text));
  return new Response(body, {
    status,
    headers: { 'content-type': 'application/json', 'idempotent-replayed': 'true' },
  });
}

/** As JSON in which the order of members says nothing. */
function inOrder(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
