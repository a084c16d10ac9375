import type { Application } from '#core/applications.ts';
import type { Services } from '../services.ts';

/** Tells the operator that somebody waits: a line in the log, and the operator's own program. */
export function tellApplied(
  { id, name, contact, reason, madeAt }: Application,
  { observer, webhook }: Pick<Services, 'observer' | 'webhook'>,
): void {
  observer.noticed('Somebody applied for a key.', { application_id: id, name });
  webhook?.send({
    type: 'application.received',
    timestamp: new Date(madeAt).toISOString(),
    data: { id, name, contact, reason, at: madeAt },
  });
}
