import type * as z from 'zod';
import type { Contract } from './contract.ts';
import { csv } from './csv.ts';

type ReceiptView = z.output<Contract['requests']['get']['reply']>;

const COLUMNS = [
  ...['id', 'key_id', 'endpoint', 'model', 'stream', 'status', 'made_at', 'ended_at'],
  ...[
    'http_status',
    'source',
    'requests',
    'tokens',
    'cost_micros',
    'reserved_tokens',
    'reserved_cost_micros',
  ],
  ...['overdraft_tokens', 'overdraft_cost_micros', 'prompt_tokens', 'completion_tokens', 'cached_tokens'],
  ...['cache_written_tokens', 'reasoning_tokens', 'price_version', 'upstream', 'upstream_ms', 'duration_ms'],
] as const;

/** A page of receipts as a file: what was used and by which prices, one line each. */
export function receiptsFile(receipts: readonly ReceiptView[], nextCursor: string | null): Response {
  return csv('requests.csv', COLUMNS, receipts.map(lineOf), nextCursor);
}

function lineOf(receipt: ReceiptView) {
  const { id, key_id, endpoint, model, status, made_at, ended_at, http_status, source } = receipt;
  const { reserved, used, overdraft, usage, prices, upstream, upstream_ms, duration_ms } = receipt;
  return {
    ...{ id, key_id, endpoint, model, stream: String(receipt.stream), status, made_at, ended_at },
    ...{ http_status, source, upstream, upstream_ms, duration_ms, price_version: prices?.version ?? null },
    requests: used?.requests ?? null,
    tokens: used?.tokens ?? null,
    cost_micros: used?.cost_micros ?? null,
    reserved_tokens: reserved.tokens,
    reserved_cost_micros: reserved.cost_micros,
    overdraft_tokens: overdraft?.tokens ?? null,
    overdraft_cost_micros: overdraft?.cost_micros ?? null,
    prompt_tokens: usage?.prompt_tokens ?? null,
    completion_tokens: usage?.completion_tokens ?? null,
    cached_tokens: usage?.cached_tokens ?? null,
    cache_written_tokens: usage?.cache_written_tokens ?? null,
    reasoning_tokens: usage?.reasoning_tokens ?? null,
  };
}
