import { createHmac } from 'node:crypto';
import { WEBHOOK_SECRET } from '#core/webhook.ts';

/**
 * The header `webhook-signature` of Standard Webhooks: HMAC-SHA-256 over id, time and body.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signatureOf(secret: string, id: string, timestampS: number, body: string): string {
  const [, key = ''] = WEBHOOK_SECRET.exec(secret) ?? [];
  const hmac = createHmac('sha256', Buffer.from(key, 'base64'));
  return `v1,${hmac.update(`${id}.${timestampS}.${body}`).digest('base64')}`;
}
