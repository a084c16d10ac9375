import { elapsedMs } from '#adapters/container/compose-backups.ts';
import type { Amount, Instant } from '#core/model.ts';
import { NOTHING } from '#core/model.ts';
import type { PastRequest, Replayed } from '#core/what-if.ts';
import { whatIf } from '#core/what-if.ts';
import type { Calendar, Window } from '#core/window.ts';
import { calendarOf, dayNamed } from '#core/window.ts';
import type { AdminClient } from '#handlers/admin/client.ts';
import { CommandFailed, WrongUsage } from './command-failed.ts';
import { connect } from './connect.ts';
import { progressBar } from './progress-bar.ts';
import type { WhatIfOptions } from './what-if-command.ts';

/** What would have become of the requests that were recorded. */
export interface WhatIfReport {
  readonly from: Instant;
  readonly to: Instant;
  readonly time_zone: string;
  readonly keys: readonly (ReplayedView & {
    readonly id: string;
    readonly key: string;
    readonly label: string;
  })[];
  readonly days: readonly (ReplayedView & { readonly day: string })[];
  readonly total: ReplayedView;
}

export type ReplayedView = ReturnType<typeof viewOf>;

const DAYS_DEFAULT = 28;
const DAY_MS = 86_400_000;
const PAGE = 200;

/** Receipts are replayed in memory, at some 700 bytes each. */
const REQUESTS_MAX = 2_000_000;

/** Reads the receipts of a span from the server, and replays them against other limits. @throws CommandFailed */
export async function replayReceipts(options: WhatIfOptions): Promise<WhatIfReport> {
  const { limit: quotas = [], sponsorLimit: sponsorQuotas = [], rate, concurrency } = options;
  if (quotas.length + sponsorQuotas.length === 0 && rate === undefined && concurrency === undefined) {
    throw new WrongUsage(
      "There is nothing to try out: give --limit '200 requests/day', --sponsor-limit, --rate or --concurrency",
    );
  }
  const admin = connect();
  const { now, time_zone } = await admin.status.get();
  const calendar = calendarOf(time_zone);
  const span = spanOf(options, now, calendar);
  const requests = await receiptsIn(span, options.key, admin);
  const proposal = {
    ...{ quotas, sponsorQuotas },
    ...{ requestsPerMinute: rate ?? 0, maxConcurrency: concurrency ?? null },
  };
  const { keys, days, total } = whatIf(requests, proposal, calendar);
  const named: WhatIfReport['keys'][number][] = [];
  // One after another: a server has its own number of connections, MAX_CONNECTIONS, and may have more keys.
  for (const [id, replayed] of keys) {
    const { key, label } = await admin.keys.get({ params: { key: id } });
    named.push({ id, key, label, ...viewOf(replayed) });
  }
  return {
    ...{ from: span.startsAt, to: span.endsAt, time_zone },
    keys: named.sort((a, b) => b.refused - a.refused || b.requests - a.requests),
    days: [...days].map(([day, replayed]) => ({ day, ...viewOf(replayed) })),
    total: viewOf(total),
  };
}

interface Span {
  readonly startsAt: Instant;
  readonly endsAt: Instant;
}

function spanOf({ from, to }: WhatIfOptions, now: Instant, calendar: Calendar): Span {
  const last = to === undefined ? { startsAt: now, endsAt: now + 1 } : dayOf('--to', to, calendar);
  const endsAt = last.endsAt ?? now;
  const first =
    from === undefined ? endsAt - DAYS_DEFAULT * DAY_MS : dayOf('--from', from, calendar).startsAt;
  if (first >= endsAt) throw new WrongUsage('--from must not be after --to');
  return { startsAt: first, endsAt };
}

function dayOf(option: string, name: string, calendar: Calendar): Window {
  const window = /^\d{4}-\d{2}-\d{2}$/.test(name) ? dayNamed(name, calendar) : undefined;
  if (window === undefined) throw new WrongUsage(`${option} must be a day such as 2026-01-31`);
  return window;
}

type Receipt = Awaited<ReturnType<AdminClient['requests']['list']>>['items'][number];

/** The ended requests of a span, oldest first. */
async function receiptsIn(
  span: Span,
  key: string | undefined,
  admin: AdminClient,
): Promise<readonly PastRequest[]> {
  const found: PastRequest[] = [];
  const bar = progressBar(process.stderr, elapsedMs);
  const days = (ms: number) => Math.ceil(ms / DAY_MS);
  let cursor: string | null = null;
  try {
    do {
      const page: { readonly items: readonly Receipt[]; readonly next_cursor: string | null } =
        await admin.requests.list({
          query: {
            ...{ from: String(span.startsAt), to: String(span.endsAt), limit: String(PAGE) },
            ...(key !== undefined && { key }),
            ...(cursor !== null && { cursor }),
          },
        });
      for (const receipt of page.items)
        if (receipt.ended_at !== null) found.push(pastOf(receipt, receipt.ended_at));
      if (found.length > REQUESTS_MAX) {
        throw new CommandFailed(
          `There are over ${REQUESTS_MAX} requests: name a shorter span with --from and --to, or a --key`,
        );
      }
      const oldest = page.items.at(-1)?.made_at ?? span.startsAt;
      bar.update({
        step: 'receipts',
        done: days(span.endsAt - oldest),
        total: days(span.endsAt - span.startsAt),
      });
      cursor = page.next_cursor;
    } while (cursor !== null);
  } finally {
    bar.end();
  }
  return found.reverse();
}

function pastOf(
  { id, key_id, model, made_at, reserved, used, prices }: Receipt,
  endedAt: Instant,
): PastRequest {
  return {
    ...{ requestId: id, keyId: key_id, model, madeAt: made_at, endedAt },
    reserved: amountOf(reserved),
    used: used === null ? NOTHING : amountOf(used),
    priced: prices !== null,
  };
}

function amountOf({ requests, tokens, cost_micros: cost }: Receipt['reserved']): Amount {
  return { requests, tokens, cost };
}

function viewOf({ requests, refused, firstRefusedAt, reasons, used, wouldUse }: Replayed) {
  return {
    ...{ requests, refused, first_refused_at: firstRefusedAt, reasons },
    ...{ tokens: used.tokens, tokens_would_be: wouldUse.tokens },
    ...{ cost_micros: used.cost, cost_micros_would_be: wouldUse.cost },
  };
}
