import type { Command } from 'commander';
import type { AdminClient } from '#handlers/admin/client.ts';
import { given, instant, wholeNumber } from './option-values.ts';
import { print, printPage, timeText } from './print.ts';
import type { Row } from './table.ts';

type Receipt = Awaited<ReturnType<AdminClient['requests']['get']>>;

interface ListOptions {
  readonly json?: true;
  readonly key?: string;
  readonly from?: number;
  readonly to?: number;
  readonly limit?: number;
  readonly cursor?: string;
}

/** `requests list`, `show`: receipts. */
export function addRequestCommands(program: Command): void {
  const requests = program.command('requests').description('look at the receipts of single requests');
  requests
    .command('list')
    .description('list receipts, newest first')
    .option('--key <key>', "a key's id, or the key itself")
    .option('--from <time>', 'made at or after, such as 2026-11-25T08:30:00Z', instant)
    .option('--to <time>', 'made before', instant)
    .option('--limit <n>', 'at most so many (default: 50)', wholeNumber)
    .option('--cursor <cursor>', 'go on where the list before ended')
    .option('--json', 'print JSON')
    .action(async ({ json, ...query }: ListOptions) => {
      const { connect } = await import('./connect.ts');
      const page = await connect().requests.list({ query: given(query) });
      printPage(json, page, rowOf);
    });
  requests
    .command('show')
    .description('show the receipt of one request')
    .argument('<id>', 'x-request-id of the answer')
    .option('--json', 'print JSON')
    .action(async (id: string, { json }: { readonly json?: true }) => {
      const { connect } = await import('./connect.ts');
      const receipt = await connect().requests.get({ params: { id } });
      print(json, receipt, () => fieldsOf(receipt));
    });
}

function rowOf(receipt: Receipt): Row {
  const { used, overdraft } = receipt;
  return {
    id: receipt.id,
    made: timeText(receipt.made_at),
    model: receipt.model,
    status: receipt.status,
    http: receipt.http_status,
    tokens: used?.tokens ?? null,
    'cost micros': used?.cost_micros || null,
    overdraft: overdraft?.tokens || null,
    ms: receipt.duration_ms === null ? null : Math.round(receipt.duration_ms),
    key: receipt.key_id,
  };
}

function fieldsOf(receipt: Receipt): readonly Row[] {
  const { reserved, used, overdraft, usage, prices } = receipt;
  const fields: Readonly<Record<string, string | null>> = {
    id: receipt.id,
    key: receipt.key_id,
    endpoint: `${receipt.endpoint}${receipt.stream ? ', streamed' : ''}`,
    model: receipt.model,
    status: receipt.status,
    'http status': receipt.http_status === null ? null : String(receipt.http_status),
    made: timeText(receipt.made_at),
    ended: receipt.ended_at === null ? 'not yet' : timeText(receipt.ended_at),
    reserved: amountText(reserved),
    used: used && `${amountText(used)}, by ${receipt.source ?? 'nobody'}`,
    overdraft:
      overdraft && (overdraft.tokens > 0 || overdraft.cost_micros > 0) ? amountText(overdraft) : null,
    tokens:
      usage &&
      `${usage.prompt_tokens} in (${usage.cached_tokens} cached), ${usage.completion_tokens} out (${usage.reasoning_tokens} of reasoning)`,
    prices:
      prices &&
      `table ${prices.version}: ${prices.input_micros} in, ${prices.cached_input_micros} cached, ${prices.output_micros} out per million tokens; ${prices.request_micros} per request`,
    'first byte': msText(receipt.upstream_ms),
    took: msText(receipt.duration_ms),
  };
  return Object.entries(fields).flatMap(([field, value]) => (value === null ? [] : { field, value }));
}

function amountText({ requests, tokens, cost_micros }: Receipt['reserved']): string {
  return `${requests} request${requests === 1 ? '' : 's'}, ${tokens} tokens, ${cost_micros} micros`;
}

function msText(ms: number | null): string | null {
  return ms === null ? null : `${Math.round(ms)} ms`;
}
