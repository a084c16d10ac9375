import { elapsedMs } from '#adapters/container/compose-backups.ts';
import { daysOf, type ForeignFile, openForeign } from '#adapters/container/compose-import.ts';
import { hintOf } from '#core/secret.ts';
import { calendarOf } from '#core/window.ts';
import { type AdminClient, AdminError } from '#handlers/admin/client.ts';
import { type ForeignKeyBody, foreignKey } from '#handlers/admin/contract/keys-import.ts';
import { explain, problemsOf } from '#handlers/admin/invalid.ts';
import { CommandFailed } from './command-failed.ts';
import { connect } from './connect.ts';
import { foreignKeyBody } from './foreign-key-body.ts';
import { type ImportReport, importTally, type Tally } from './import-report.ts';
import { type ProgressBar, progressBar } from './progress-bar.ts';

export interface ImportOptions {
  readonly dryRun: boolean;
  /** `null`: the server's. */
  readonly timeZone: string | null;
  /** `null`: not decided. */
  readonly moneyQuotas: 'cost' | 'none' | null;
}

// A request may bring more. While a batch is read, nothing else is: with this much, others waited 25 ms (p99 81) on a busy
// machine, with four times as much 62 (p99 147), and not many more keys came in.
const BATCH_BYTES_MAX = 40_000;
const BATCH_KEYS_MAX = 200;

/**
 * Brings what a file of another system holds to the server, in batches, each of which the server records as a whole.
 * A key that is there already is left as it is: so it may be run again, and goes on where it was interrupted.
 * @throws CommandFailed, NotRecognised, AdminError
 */
export async function importFile(path: string, options: ImportOptions): Promise<ImportReport> {
  const client = connect();
  const file = await openForeign(path);
  try {
    const server = await client.keys.import({ body: { keys: [], dry_run: true } });
    const warnings = priceWarnings(file, server.priced_models, options);
    const here = calendarOf(server.time_zone);
    const there = options.timeZone === null ? here : calendarOf(options.timeZone);
    const days = await daysOf(here, there, server.today);
    const bar = progressBar(process.stderr, elapsedMs);
    const tally = importTally();
    const sender = openSender(client, tally, bar, options.dryRun, file.keyCount);
    try {
      for (const found of file.found({ days, moneyQuotas: options.moneyQuotas ?? 'cost' })) {
        if (found.kind === 'problem') tally.problem(found.problem);
        else await sender.send(foreignKeyBody(found.key, systemOf(file)));
      }
      await sender.flush();
    } finally {
      bar.end();
    }
    const known = { file: path, format: file.format, dry_run: options.dryRun, time_zone: here.timeZone };
    return tally.report({ ...known, warnings });
  } finally {
    file.close();
  }
}

/** A model without a price is refused where a quota of cost applies: better known before anything is imported. */
function priceWarnings(
  { pricedModels }: ForeignFile,
  priced: readonly string[],
  { dryRun, moneyQuotas }: ImportOptions,
): readonly string[] {
  if (pricedModels === null || moneyQuotas === 'none') return [];
  if (priced.length === 0) {
    const what =
      'Quotas in money become quotas of cost, and the server has no PRICES_FILE: it would refuse these keys.';
    const way = 'Set PRICES_FILE there, or choose --quota none (no quota) or --quota cost (all the same)';
    if (moneyQuotas === null && !dryRun) throw new CommandFailed(`${what} ${way}`);
    return [`${what} ${way}.`];
  }
  const missing = pricedModels.filter((model) => !priced.includes(model));
  if (missing.length === 0) return [];
  return [
    `Used there and without a price in PRICES_FILE, so that keys with a quota of cost cannot use them: ${missing.join(', ')}.`,
  ];
}

/** `one-api (tokens, logs)` is one-api. */
function systemOf({ format }: ForeignFile): string {
  return format.replace(/ \(.*$/, '');
}

interface Sender {
  send(key: ForeignKeyBody): Promise<void>;
  flush(): Promise<void>;
}

function openSender(
  client: AdminClient,
  tally: Tally,
  bar: ProgressBar,
  dryRun: boolean,
  total: number,
): Sender {
  let batch: ForeignKeyBody[] = [];
  let bytes = 0;
  let done = 0;

  async function flush(): Promise<void> {
    if (batch.length === 0) return;
    const keys = batch;
    [batch, bytes] = [[], 0];
    const { outcomes } = await client.keys
      .import({ body: { keys, dry_run: dryRun } })
      .catch((error: unknown) => Promise.reject(dryRun ? error : interrupted(error, done)));
    for (const [index, key] of keys.entries()) {
      const outcome = outcomes[index];
      if (outcome !== undefined) tally.key(key, outcome);
    }
    done += keys.length;
    bar.update({ step: 'import', done, total });
  }

  return {
    flush,
    async send(key) {
      const wrong = wrongWith(key);
      if (wrong !== undefined) {
        tally.key(key, { key: hintOf(key.secret), id: null, status: 'refused', reason: wrong });
        return;
      }
      const size = Buffer.byteLength(JSON.stringify(key));
      if (batch.length >= BATCH_KEYS_MAX || bytes + size > BATCH_BYTES_MAX) await flush();
      batch.push(key);
      bytes += size;
    },
  };
}

/** What the server would say of it: there it would keep the rest of its batch out, too. */
function wrongWith(key: ForeignKeyBody): string | undefined {
  const checked = foreignKey.safeParse(key, { error: explain });
  if (checked.success) return undefined;
  const [first] = problemsOf(checked.error);
  return first === undefined ? 'is not valid' : `${first.field} ${first.message}`;
}

function interrupted(error: unknown, done: number): unknown {
  if (!(error instanceof AdminError)) return error;
  return new CommandFailed(
    `${error.message} ${done} keys are done. Run the same command again: it goes on there`,
  );
}
