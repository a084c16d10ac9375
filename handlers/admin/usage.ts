import type { Account, Instant, KeyId } from '#core/model.ts';
import type { OperationDraft } from '#core/operation.ts';
import type { OperationLog, Page } from '#core/ports.ts';
import type { UsageCounts, UsageRow } from '#core/reports.ts';
import type { Services } from '../services.ts';
import type { Asked, Implementation } from './contract/action.ts';
import type { Contract } from './contract.ts';
import { csv } from './csv.ts';
import { usageCursorOf, usagePlaceOf } from './cursor.ts';
import { findAccount, keyDeleted, keyNotFound } from './find-account.ts';
import { invalid } from './invalid.ts';

export type UsageServices = Pick<Services, 'keys' | 'secrets' | 'reports' | 'ledger' | 'operations'>;

const KEYS_AT_ONCE = 200;

/** What was used, and starting it anew. */
export function usageActions(services: UsageServices): Implementation<Contract['usage']> {
  return { read: (asked) => read(asked, services), reset: (asked) => reset(asked, services) };
}

async function read(
  { query: { day, from, to, key, model, cursor, format, ...asked } }: Asked<Contract['usage']['read']>,
  services: UsageServices,
) {
  const account = key === undefined ? undefined : await findAccount(key, services);
  if (key !== undefined && account === undefined) return keyNotFound();
  const after = cursor === undefined ? undefined : usagePlaceOf(cursor);
  if (cursor !== undefined && after === undefined) {
    return invalid('query', [{ field: 'cursor', message: 'must be next_cursor of the page before' }]);
  }
  const [fromDay, toDay] = [day ?? from, day ?? to];
  const { rows, totals, more } = await services.reports.usage({
    groupBy: asked.group_by,
    sort: asked.sort,
    limit: asked.limit,
    ...(after !== undefined && { after }),
    ...(fromDay !== undefined && { fromDay }),
    ...(toDay !== undefined && { toDay }),
    ...(account !== undefined && { keyId: account.key.id }),
    ...(model !== undefined && { model }),
  });
  const items = rows.map(itemOf);
  const last = rows.at(-1);
  const next_cursor = more && last !== undefined ? usageCursorOf(last) : null;
  if (format === 'csv') return csv('usage.csv', COLUMNS, items, next_cursor);
  return { day: day ?? null, mode: 'sqlite', items, totals: countsOf(totals), next_cursor };
}

const COLUMNS = [
  'day',
  'id',
  'key',
  'label',
  'model',
  'req_count',
  'success_count',
  'error_count',
  'rejected_count',
  'prompt_tokens',
  'completion_tokens',
  'cached_tokens',
  'cost_micros',
  'updated_at',
] as const satisfies readonly (keyof ReturnType<typeof itemOf>)[];

function itemOf({ day, keyId, hint, label, model, updatedAt, ...counts }: UsageRow) {
  return { day, id: keyId, key: hint, label, model, ...countsOf(counts), updated_at: updatedAt };
}

function countsOf(counts: UsageCounts) {
  return {
    req_count: counts.requests,
    success_count: counts.successes,
    error_count: counts.errors,
    rejected_count: counts.rejections,
    prompt_tokens: counts.prompt,
    completion_tokens: counts.completion,
    cached_tokens: counts.cached,
    cost_micros: counts.costMicros,
  };
}

async function reset({ body, at, operation }: Asked<Contract['usage']['reset']>, services: UsageServices) {
  const { operations, ledger } = services;
  if (body.key === undefined) {
    // The operation comes first: after a crash half-way it is known why some keys start anew.
    await append(operation('all', {}), operations);
    return { ok: true, keys: await resetAll(at, services) } as const;
  }
  const account = await findAccount(body.key, services);
  if (account === undefined) return keyNotFound();
  if (account.key.deletedAt !== null) return keyDeleted();
  const keyId = account.key.id;
  await append(operation(keyId, {}), operations);
  await ledger.execute({ kind: 'reset', at, keyId });
  return { ok: true, keys: 1 } as const;
}

/** Page by page, so that no more than a page is in memory. Keys made meanwhile have nothing to reset. */
async function resetAll(at: Instant, { keys, ledger }: UsageServices): Promise<number> {
  let count = 0;
  let page: Page<Account> | undefined;
  do {
    const after: KeyId | undefined = page?.items.at(-1)?.key.id;
    page = await keys.list({ at, limit: KEYS_AT_ONCE, ...(after !== undefined && { after }) });
    await Promise.all(page.items.map(({ key }) => ledger.execute({ kind: 'reset', at, keyId: key.id })));
    count += page.items.length;
  } while (page.more);
  return count;
}

async function append(operation: OperationDraft | null, operations: OperationLog): Promise<void> {
  if (operation !== null) await operations.append(operation);
}
