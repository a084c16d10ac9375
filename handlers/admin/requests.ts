import type { Amount, UnitPrices, Usage } from '#core/model.ts';
import type { Receipt } from '#core/reports.ts';
import { errorReply } from '../reply.ts';
import type { Services } from '../services.ts';
import type { Implementation } from './contract/action.ts';
import type { Contract } from './contract.ts';
import { findAccount, isId, keyNotFound } from './find-account.ts';

export type RequestServices = Pick<Services, 'keys' | 'secrets' | 'reports'>;

/** Receipts: all that is known of single requests. */
export function requestActions(services: RequestServices): Implementation<Contract['requests']> {
  const { reports } = services;
  return {
    async list({ query: { key, from, to, limit, cursor } }) {
      const account = key === undefined ? undefined : await findAccount(key, services);
      if (key !== undefined && account === undefined) return keyNotFound();
      const { items, more } = await reports.receipts({
        limit,
        ...(account !== undefined && { keyId: account.key.id }),
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
        ...(cursor !== undefined && { after: cursor }),
      });
      return { items: items.map(receiptView), next_cursor: (more && items.at(-1)?.requestId) || null };
    },

    async get({ params }) {
      const receipt = isId(params.id) ? await reports.receipt(params.id.toLowerCase()) : undefined;
      return receipt === undefined ? requestNotFound() : receiptView(receipt);
    },
  };
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

function requestNotFound(): Response {
  return errorReply({
    status: 404,
    type: 'invalid_request_error',
    code: 'request_not_found',
    message:
      'There is no such request. Its id is the x-request-id of its answer; GET /admin/requests lists all.',
  });
}
