import * as z from 'zod';
import type { Receipt, UsagePlace } from '#core/reports.ts';
import { isId } from './find-account.ts';

/** A place in the ledger, as a text that means nothing to those who send it back. */
export function cursorOf(n: Receipt['n']): string {
  return `e${n.toString(36)}`;
}

/** The place that a cursor names, which the contract has looked at (`field.place`). */
export function placeOf(cursor: string): number {
  return Number.parseInt(cursor.slice(1), 36);
}

const usagePlace = z.tuple([z.string(), z.int(), z.string().nullable(), z.string().nullable()]);

/** The place of a row in a report of usage. */
export function usageCursorOf({ day, requests, keyId, model }: UsagePlace): string {
  const text = encodeURIComponent(JSON.stringify([day, requests, keyId, model]));
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** The place that a cursor names; `undefined` if it names none. */
export function usagePlaceOf(cursor: string): UsagePlace | undefined {
  try {
    const text = decodeURIComponent(atob(cursor.replaceAll('-', '+').replaceAll('_', '/')));
    const [day, requests, keyId, model] = usagePlace.parse(JSON.parse(text));
    return keyId === null || isId(keyId) ? { day, requests, keyId, model } : undefined;
  } catch {
    return undefined;
  }
}
