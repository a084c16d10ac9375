import type { Command } from 'commander';
import type { AdminClient } from '#handlers/admin/client.ts';
import { print, sizeText, spanText, timeText } from './print.ts';
import type { Row } from './table.ts';

type Status = Awaited<ReturnType<AdminClient['status']['get']>>;

/** `status`: how the server is, and what the operator should look at. */
export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .description('show how the server is, its warnings, and what was out of the ordinary')
    .option('--json', 'print JSON')
    .action(async ({ json }: { readonly json?: true }) => {
      const { connect } = await import('./connect.ts');
      const status = await connect().status.get();
      print(json, status, () => [...factsOf(status), ...concernsOf(status)]);
    });
}

function factsOf({ store, ...status }: Status): readonly Row[] {
  return [
    row('version', status.version),
    row('up for', spanText(status.uptime_ms)),
    ...upstreamRows(status.upstreams),
    row('database', `${store.path}, ${sizeText(store.size_bytes)}, log ${sizeText(store.wal_bytes)}`),
    row('free on disk', sizeText(store.disk_free_bytes)),
    row('keys', String(status.keys)),
    row('ledger entries', entriesText(status)),
    row('under way', String(status.open_reservations)),
    ...(status.applications === null
      ? []
      : [row('applications', `${status.applications.pending} wait for you`)]),
    ...backupFactsOf(status.backup),
  ];
}

/** One alone is what it is; of several each has a name, and a part in the work. */
function upstreamRows(upstreams: Status['upstreams']): readonly Row[] {
  const [only, another] = upstreams;
  if (only !== undefined && another === undefined && only.name === 'upstream') {
    return [row('upstream', only.base_url)];
  }
  return upstreams.map(({ name, base_url, breaker, in_flight, max_concurrency, waiting }) => {
    const queue = max_concurrency === null ? '' : ` of ${max_concurrency}, ${waiting} waiting`;
    const state = breaker === null ? '' : `breaker ${breaker.replace('_', ' ')}, `;
    return row(`upstream ${name}`, `${base_url}, ${state}${in_flight} under way${queue}`);
  });
}

/** Those that are kept, where some are not any more. */
function entriesText({ entries, ledger }: Pick<Status, 'entries' | 'ledger'>): string {
  if (ledger.removed_entries === 0) return String(entries);
  const since = ledger.oldest_at === null ? '' : `, since ${timeText(ledger.oldest_at)}`;
  return `${entries}, of which ${entries - ledger.removed_entries} are kept${since}`;
}

function backupFactsOf(backup: Status['backup']): readonly Row[] {
  if (backup === null) return [row('backups', 'none are made')];
  const { last, drill } = backup;
  const drilled =
    drill && `${spanText(drill.age_ms)} ago, ${drill.ok ? 'it restores' : 'IT DOES NOT RESTORE'}`;
  return [
    row('backups', `${backup.location}, ${backup.encrypted ? 'encrypted' : 'not encrypted'}`),
    row('newest backup', last === null ? 'none yet' : `${last.id}, ${spanText(last.age_ms)} old`),
    row('in no backup', `${backup.unshipped_rows} rows, for ${spanText(backup.unshipped_ms)}`),
    row('last drill', drilled ?? 'none yet'),
  ];
}

function concernsOf({ warnings, abnormal_access: abnormal }: Status): readonly Row[] {
  return [
    ...warnings.map((warning) => row('WARNING', warning)),
    ...abnormal.map(({ at, label, message }) =>
      row('ABNORMAL', `${timeText(at)} ${label === null ? '' : `${label}: `}${message}`),
    ),
  ];
}

function row(what: string, is: string): Row {
  return { what, is };
}
