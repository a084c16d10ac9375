import { timeText } from './print.ts';
import type { ReplayedView, WhatIfReport } from './replay-receipts.ts';
import type { Row } from './table.ts';
import { table } from './table.ts';

/** What was replayed, for a person: the keys, the days on which somebody would have been refused, and the sum. */
export function whatIfText({ keys, days, total, from, to }: WhatIfReport): string {
  const span = `${timeText(from)} to ${timeText(to)}`;
  if (total.requests === 0) return `Nothing was recorded from ${span}.\n`;
  const hard = days.filter(({ refused }) => refused > 0);
  const costs = total.cost_micros > 0;
  return [
    table(keys.map(({ key, label, ...rest }) => ({ key, label: label || null, ...columnsOf(rest, costs) }))),
    hard.length === 0
      ? ''
      : `\n${table(hard.map(({ day, ...rest }) => ({ day, ...columnsOf(rest, costs) })))}`,
    `\n${sentenceOf(total, span)}\n`,
  ].join('');
}

function columnsOf(view: ReplayedView, costs: boolean): Row {
  return {
    requests: view.requests,
    refused: view.refused,
    'first refused': view.first_refused_at === null ? null : timeText(view.first_refused_at),
    tokens: view.tokens,
    'would be': view.tokens_would_be,
    'cost micros': costs ? view.cost_micros : null,
    'would cost': costs ? view.cost_micros_would_be : null,
  };
}

/** How a reason goes on after "refused". */
const REASONS: Readonly<Record<keyof ReplayedView['reasons'], string>> = {
  unknown_key: 'for the key',
  deleted_key: 'for the key',
  key_disabled: 'for the key',
  key_expired: 'for the key',
  ip_not_allowed: 'for the address',
  model_not_allowed: 'for the model',
  model_not_priced: 'for want of a price',
  too_many_in_flight: 'for what was in flight',
  rate_exceeded: 'for the rate',
  quota_exceeded: 'for a quota',
};

function sentenceOf({ requests, refused, reasons }: ReplayedView, span: string): string {
  const all = `${requests} requests from ${span}`;
  if (refused === 0) return `Of ${all}, none would have been refused.`;
  const why = Object.entries(reasons).map(
    ([kind, count]) => `${count} ${REASONS[kind as keyof typeof reasons]}`,
  );
  const share = ((100 * refused) / requests).toFixed(1);
  return `Of ${all}, ${refused} (${share} %) would have been refused: ${why.join(', ')}.`;
}
