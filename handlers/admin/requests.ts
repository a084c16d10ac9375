import type { Amount, Instant, UnitPrices, Usage } from '#core/model.ts';
import type { Receipt } from '#core/reports.ts';
import { errorReply } from '../reply.ts';
import type { Services } from '../services.ts';
import type { Implementation } from './contract/action.ts';
import type { Contract } from './contract.ts';
import { cursorOf, placeOf } from './cursor.ts';
import { findAccount, isId, keyNotFound } from './find-account.ts';
import { receiptsFile } from './receipts-file.ts';

export type RequestServices = Pick<Services, 'keys' | 'secrets' | 'reports' | 'health' | 'policy'>;

/** Receipts: all that is known of single requests. */
export function requestActions(services: RequestServices): Implementation<Contract['requests']> {
  const { reports, health, policy } = services;
  return {
    async list({ query: { key, cursor, http_status, overdraft, format, ...same } }) {
      const account = key === undefined ? undefined : await findAccount(key, services);
      if (key !== undefined && account === undefined) return keyNotFound();
      const { items, next } = await reports.receipts({
        ...same,
        ...(account !== undefined && { keyId: account.key.id }),
        ...(http_status !== undefined && { httpStatus: statusesOf(http_status) }),
        ...(overdraft !== undefined && { overdrawn: true }),
        ...(cursor !== undefined && { before: placeOf(cursor) }),
      });
      const next_cursor = next === null ? null : cursorOf(next);
      const views = items.map(receiptView);
      return format === 'csv' ? receiptsFile(views, next_cursor) : { items: views, next_cursor };
    },

    async get({ params }) {
      const receipt = isId(params.id) ? await reports.receipt(params.id.toLowerCase()) : undefined;
      if (receipt !== undefined) return receiptView(receipt);
      const { removedUntil } = await health.status();
      return requestNotFound(whyRemoved(params.id, removedUntil, policy.ledgerDays));
    },
  };
}

/** `429` is one status, `5xx` a hundred. */
function statusesOf(text: string) {
  return { first: Number(text.replace('xx', '00')), last: Number(text.replace('xx', '99')) };
}

function receiptView(receipt: Receipt) {
  const { requestId, keyId, endpoint, model, stream, status, madeAt, endedAt, source, outcome } = receipt;
  return {
    id: requestId,
    key_id: keyId,
    endpoint,
    model,
    stream,
    status,
    made_at: madeAt,
    ended_at: endedAt,
    reserved: amountView(receipt.reserved),
    used: receipt.used && amountView(receipt.used),
    overdraft: receipt.overdraft && amountView(receipt.overdraft),
    usage: receipt.usage && usageView(receipt.usage),
    source,
    prices: receipt.prices && pricesView(receipt.prices),
    upstream: outcome?.upstream ?? null,
    http_status: outcome?.status ?? null,
    upstream_ms: outcome?.upstreamMs ?? null,
    duration_ms: outcome?.durationMs ?? null,
  };
}

function amountView({ requests, tokens, cost }: Amount) {
  return { requests, tokens, cost_micros: cost };
}

function usageView({ prompt, completion, cached, cacheWritten, reasoning }: Usage) {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    cached_tokens: cached,
    cache_written_tokens: cacheWritten,
    reasoning_tokens: reasoning,
  };
}

function pricesView(prices: UnitPrices) {
  return {
    version: prices.version,
    input_micros: prices.input,
    cached_input_micros: prices.cachedInput,
    cache_write_micros: prices.cacheWrite,
    output_micros: prices.output,
    reasoning_micros: prices.reasoning,
    request_micros: prices.request,
  };
}

/** What is to be said of a request from a time of which no receipts are kept; `undefined` for one from later. */
function whyRemoved(id: string, removedUntil: Instant | null, ledgerDays: number): string | undefined {
  if (removedUntil === null || !isId(id) || madeAtOf(id) > removedUntil) return undefined;
  const until = new Date(removedUntil).toISOString().slice(0, 10);
  const rule =
    ledgerDays === 0 ? 'kept for ever now (LEDGER_DAYS is 0)' : `kept ${ledgerDays} days (LEDGER_DAYS)`;
  return `There is no such request any more, if there was one: receipts are ${rule}; those up to ${until} were removed. What it used is still in GET /admin/usage.`;
}

/** When a request's id was made: RFC 9562 §5.7 begins a UUIDv7 with the milliseconds since 1970. */
function madeAtOf(id: string): Instant {
  return Number.parseInt(id.replace('-', '').slice(0, 12), 16);
}

function requestNotFound(why: string | undefined): Response {
  return errorReply({
    status: 404,
    type: 'invalid_request_error',
    code: 'request_not_found',
    message:
      why ??
      'There is no such request. Its id is the x-request-id of its answer; GET /admin/requests lists all.',
  });
}
