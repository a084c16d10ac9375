import { StoreUnavailable } from '#core/ports.ts';
import type { Troubles } from './troubles.ts';

/** Tells of a store that cannot record, if that is what went wrong; says whether it is. */
export function noticeStore(error: unknown, troubles: Troubles): boolean {
  if (!(error instanceof StoreUnavailable)) return false;
  const { message } = error;
  troubles.begin('store', message, `Nothing can be recorded, and clients get 503: ${message}`, error);
  return true;
}

/** Tells that it can again, if it could not. */
export function storeIsWell(troubles: Troubles): void {
  troubles.end('store', 'The store records again.');
}
