import { readToolConfig } from '#adapters/container/config.ts';
import { calendarOf } from '#core/window.ts';
import type { AdminClient } from '#handlers/admin/client.ts';
import { given } from './option-values.ts';
import type { Row } from './table.ts';
import { table } from './table.ts';
import type { UsageOptions } from './usage-command.ts';
import type { Plotted } from './usage-plot.ts';
import { dayBefore, everyDay, plot } from './usage-plot.ts';

type Report = Awaited<ReturnType<AdminClient['usage']['read']>>;

/** What was asked for: as data for a script, and as text for a person. */
export interface View {
  readonly answer: Report;
  readonly text: string;
}

const DAYS_PLOTTED = 30;
const DAYS_PLOTTED_MAX = 10_000;
/** Where output is no terminal, or one that does not know its size. */
const COLUMNS = 80;

/** Usage as a table, with the sum below it. */
export async function tableView(client: AdminClient, { groupBy, ...options }: UsageOptions): Promise<View> {
  const answer = await client.usage.read({ query: given({ ...options, group_by: groupBy }) });
  const more =
    answer.next_cursor === null ? '' : `There are more: go on with --cursor ${answer.next_cursor}\n`;
  return { answer, text: answer.items.length === 0 ? 'Nothing.\n' : `${table(rowsOf(answer))}${more}` };
}

function rowsOf({ items, totals }: Report): readonly Row[] {
  const sum = { day: 'total', key: null, label: null, model: null, ...totals };
  return [...items, sum].map((item) => ({
    day: item.day,
    key: item.key,
    label: item.label,
    model: item.model,
    requests: item.req_count,
    errors: item.error_count,
    refused: item.rejected_count,
    prompt: item.prompt_tokens,
    output: item.completion_tokens,
    'cost micros': totals.cost_micros === 0 ? null : item.cost_micros,
    cached: totals.cached_tokens === 0 ? null : item.cached_tokens,
  }));
}

/** Usage as bars, one for each local day of the server. */
export async function plotView(
  client: AdminClient,
  { key, model, ...options }: UsageOptions,
  what: Plotted,
): Promise<View> {
  const to = options.to ?? (await today(client));
  const from = options.from ?? dayBefore(to, DAYS_PLOTTED - 1);
  const query = given({ from, to, key, model, group_by: 'day' as const, limit: DAYS_PLOTTED_MAX });
  const answer = await client.usage.read({ query });
  const values = new Map(answer.items.map((item) => [item.day, measured(item, what)]));
  const text = plot({
    title: `${NAMES[what]} per day, ${from} to ${to}`,
    days: everyDay(from, to, values),
    textOf: what === 'cost' ? costText : countText,
    columns: process.stdout.columns || COLUMNS,
    charset: readToolConfig().charset,
  });
  return { answer, text };
}

const NAMES: Readonly<Record<Plotted, string>> = { requests: 'Requests', tokens: 'Tokens', cost: 'Cost' };

/** The server's, by its clock and in its zone. */
async function today(client: AdminClient): Promise<string> {
  const { now, time_zone } = await client.status.get();
  return calendarOf(time_zone).dayOf(now);
}

function measured(item: Report['items'][number], what: Plotted): number {
  if (what === 'tokens') return item.prompt_tokens + item.completion_tokens;
  return what === 'cost' ? item.cost_micros : item.req_count;
}

function countText(count: number): string {
  return count.toLocaleString('en');
}

/** Micros in whole units of the currency. */
function costText(micros: number): string {
  return (micros / 1e6).toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 4 });
}
