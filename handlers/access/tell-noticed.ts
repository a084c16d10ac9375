import { type Noticed, sentenceOf } from '#core/abnormal.ts';
import type { Metrics } from '#core/metrics.ts';
import type { Observer } from '#core/observer.ts';
import type { Webhook } from '#core/webhook.ts';

interface Listeners {
  readonly observer: Observer;
  readonly metrics: Metrics;
  /** `null`: there is none. */
  readonly webhook: Webhook | null;
}

/** Tells all who should know: a line in the log, a count, and the operator's own program. */
export function tellNoticed({ observer, metrics, webhook }: Listeners): (noticed: Noticed) => void {
  return (noticed) => {
    const { message, ...data } = noticedView(noticed);
    observer.warned(message, { ...data });
    metrics.noticed(noticed.kind);
    webhook?.send({
      type: 'access.abnormal',
      timestamp: new Date(noticed.at).toISOString(),
      data: { ...data, message },
    });
  };
}

/** As it is written: in the log, for the webhook, and in the status. */
export function noticedView(noticed: Noticed) {
  const { kind, at, keyId, label, address, count, usual } = noticed;
  return { kind, at, key_id: keyId, label, address, count, usual, message: sentenceOf(noticed) };
}
