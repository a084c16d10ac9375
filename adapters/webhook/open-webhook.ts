import { setTimeout as sleep } from 'node:timers/promises';
import type { Observer } from '#core/observer.ts';
import type { Clock, Ids } from '#core/ports.ts';
import type { Webhook, WebhookEvent } from '#core/webhook.ts';
import { signatureOf } from './signature-of.ts';

export interface WebhookConfig {
  readonly url: string;
  /** `whsec_` and base64. */
  readonly secret: string;
  readonly userAgent: string;
  /** Waits between tries, in milliseconds; absent: some minutes in all. */
  readonly pausesMs?: readonly number[];
}

export interface OpenWebhook extends Webhook {
  /** Gives up what was not delivered yet. */
  close(): Promise<void>;
}

const PAUSES_MS = [1_000, 5_000, 30_000, 120_000, 600_000] as const;
const ANSWER_MS_MAX = 10_000;
/** Nobody reads more about one bad hour. */
const WAITING_MAX = 100;

type Tools = { readonly clock: Clock; readonly ids: Ids; readonly observer: Observer };

/** Delivers one event after the other, each until it is taken with a 2xx, by the rules of Standard Webhooks. */
export function openWebhook(config: WebhookConfig, { clock, ids, observer }: Tools): OpenWebhook {
  const { url, secret, userAgent, pausesMs = PAUSES_MS } = config;
  const closing = new AbortController();
  let last = Promise.resolve();
  let waiting = 0;

  async function post(id: string, body: string): Promise<void> {
    const timestampS = Math.floor(clock.now() / 1000);
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': userAgent,
        'webhook-id': id,
        'webhook-timestamp': String(timestampS),
        'webhook-signature': signatureOf(secret, id, timestampS, body),
      },
      body,
      // What is signed goes to whom the operator named, and to nobody else.
      redirect: 'manual',
      signal: AbortSignal.any([closing.signal, AbortSignal.timeout(ANSWER_MS_MAX)]),
    });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`the webhook answered ${answer.status}`);
  }

  async function deliver(event: WebhookEvent): Promise<void> {
    // The same at each try: by it the receiver knows what it has already.
    const id = `msg_${ids.next()}`;
    const body = JSON.stringify(event);
    for (const pauseMs of [...pausesMs, null]) {
      try {
        return await post(id, body);
      } catch (error) {
        if (closing.signal.aborted) return;
        if (pauseMs === null) observer.failed('A webhook was not delivered.', error, { type: event.type });
        else await sleep(pauseMs, undefined, { ref: false, signal: closing.signal }).catch(() => undefined);
      }
    }
  }

  return {
    send(event) {
      if (waiting >= WAITING_MAX) {
        observer.warned('A webhook was dropped: too many wait to be delivered.', { type: event.type });
        return;
      }
      waiting += 1;
      last = last
        .then(() => deliver(event))
        .finally(() => {
          waiting -= 1;
        });
    },
    async close() {
      closing.abort();
      await last;
    },
  };
}
