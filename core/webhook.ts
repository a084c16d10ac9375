/** Tells another program of events, some time soon. */
export interface Webhook {
  /** Returns at once. What cannot be delivered for a long time is dropped, and that is logged. */
  send(event: WebhookEvent): void;
}

/** How a secret is written: base64 of 24 to 64 bytes after a prefix that tells what it is. */
export const WEBHOOK_SECRET = /^whsec_([A-Za-z0-9+/]{32,86}={0,2})$/;

/** What happened, as Standard Webhooks has it: https://www.standardwebhooks.com */
export interface WebhookEvent {
  /** Words with dots between, the most general first: `access.abnormal`. */
  readonly type: string;
  /** ISO 8601. */
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}
