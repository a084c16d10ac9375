import type { Command } from 'commander';
import { Option } from 'commander';
import type { Quota } from '#core/model.ts';
import type { KeyView } from '#handlers/admin/key-view.ts';
import { given, oneMore, oneMoreQuota, wholeNumber } from './option-values.ts';
import { print, timeText } from './print.ts';
import type { Row } from './table.ts';

interface Json {
  readonly json?: true;
}

/** `keys create`, `list`, `show`, `disable`, `enable`, `rotate`, `delete`: the admin API for a person or a script. */
export function addKeyCommands(program: Command): Command {
  const keys = program.command('keys').description('make keys, look at them, disable and delete them');
  addCreate(keys);
  addList(keys);
  addOne(keys, 'show', 'show a key and what its quotas stand at', async (key) => {
    const client = await connected();
    return client.keys.get({ params: { key } });
  });
  for (const [name, disabled] of [['disable', true] as const, ['enable', false] as const]) {
    addOne(keys, name, `${name} a key`, async (key) => {
      const client = await connected();
      return client.keys.patch({ params: { key }, body: { disabled } });
    });
  }
  addRotate(keys);
  keys
    .command('delete')
    .description('delete a key for ever; its history stays')
    .argument('<key>', "the key's id, or the key itself")
    .option('--json', 'print JSON')
    .action(async (key: string, { json }: Json) => {
      const client = await connected();
      const deleted = await client.keys.delete({ params: { key } });
      print(json, deleted, () => [
        { id: deleted.id, key: deleted.key, label: deleted.label, status: deleted.status },
      ]);
    });
  return keys;
}

interface CreateOptions extends Json {
  label?: string;
  expiresInDays?: number;
  dailyLimit?: number;
  totalQuota?: number;
  quota?: Quota[];
  model?: string[];
  ip?: string[];
  requestsPerMinute?: number;
  maxConcurrency?: number;
  idempotencyKey?: string;
}

const ONCE = 'such as a UUID: the same command, run again within a day, is done once';

function addCreate(keys: Command): void {
  keys
    .command('create')
    .description('make a key; it is shown in full, this once')
    .option('--label <text>', 'whose key it is')
    .option('--expires-in-days <days>', '0: never (default: KEY_EXPIRY_DAYS of the server)', wholeNumber)
    .option(
      '--daily-limit <requests>',
      'requests per day; 0: no limit (default: DAILY_REQ_LIMIT of the server)',
      wholeNumber,
    )
    .option('--total-quota <requests>', 'requests in total', wholeNumber)
    .option('--quota <quota>', "such as '100000 tokens/day'; may be given several times", oneMoreQuota)
    .option('--model <name>', 'a model that it may use (default: all); may be given several times', oneMore)
    .option('--ip <range>', 'an address or CIDR range (default: all); may be given several times', oneMore)
    .option('--requests-per-minute <n>', '0: no rate limit (default: that of the server)', wholeNumber)
    .option('--max-concurrency <n>', 'requests in flight at once', wholeNumber)
    .option('--idempotency-key <text>', ONCE)
    .option('--json', 'print JSON')
    .action(async ({ json, ...options }: CreateOptions) => {
      const client = await connected();
      const body = {
        label: options.label,
        expires_in_days: options.expiresInDays,
        daily_limit: options.dailyLimit === 0 ? null : options.dailyLimit,
        total_quota: options.totalQuota,
        quotas: options.quota,
        models: options.model,
        ips: options.ip,
        requests_per_minute: options.requestsPerMinute,
        max_concurrency: options.maxConcurrency,
      };
      const key = await client.keys.create({
        body: given(body),
        ...given({ idempotencyKey: options.idempotencyKey }),
      });
      print(json, key, () => fieldsOf(key));
      if (!json) process.stderr.write(KEEP_NOW);
    });
}

interface RotateOptions extends Json {
  graceSeconds?: number;
  idempotencyKey?: string;
}

function addRotate(keys: Command): void {
  keys
    .command('rotate')
    .description('give a key a new secret, shown in full, this once; what was used stays counted')
    .argument('<key>', "the key's id, or the key itself")
    .option('--idempotency-key <text>', ONCE)
    .option(
      '--grace-seconds <seconds>',
      'how long the old key goes on to work (default: not at all)',
      wholeNumber,
    )
    .option('--json', 'print JSON')
    .action(async (id: string, { json, graceSeconds, ...once }: RotateOptions) => {
      const client = await connected();
      const body = given({ grace_seconds: graceSeconds });
      const key = await client.keys.rotate({ params: { key: id }, body, ...given(once) });
      print(json, key, () => fieldsOf(key));
      if (!json) process.stderr.write(KEEP_NOW);
    });
}

const KEEP_NOW = 'Keep the key now: it is not shown again.\n';

interface ListOptions extends Json {
  status?: KeyView['status'];
  search?: string;
  limit?: number;
  cursor?: string;
}

function addList(keys: Command): void {
  const statuses = ['active', 'disabled', 'expired', 'deleted'];
  keys
    .command('list')
    .description('list keys, newest first')
    .addOption(new Option('--status <status>', 'only such keys (default: all but deleted)').choices(statuses))
    .option('--search <text>', 'part of a label, of an id or of a key as it is shown')
    .option('--limit <n>', 'at most so many (default: 50)', wholeNumber)
    .option('--cursor <cursor>', 'go on where the list before ended')
    .option('--json', 'print JSON')
    .action(async ({ json, status, search, limit, cursor }: ListOptions) => {
      const client = await connected();
      const page = await client.keys.list({ query: given({ status, q: search, limit, cursor }) });
      print(json, page, () => page.items.map(rowOf));
      if (!json && page.next_cursor !== null) {
        process.stderr.write(`There are more: go on with --cursor ${page.next_cursor}\n`);
      }
    });
}

function addOne(keys: Command, name: string, says: string, ask: (key: string) => Promise<KeyView>): void {
  keys
    .command(name)
    .description(says)
    .argument('<key>', "the key's id, or the key itself")
    .option('--json', 'print JSON')
    .action(async (id: string, { json }: Json) => {
      const key = await ask(id);
      print(json, key, () => fieldsOf(key));
    });
}

async function connected() {
  const { connect } = await import('./connect.ts');
  return connect();
}

function rowOf(key: KeyView): Row {
  return {
    id: key.id,
    key: key.key,
    label: key.label,
    status: key.status,
    quotas: key.quotas.map(quotaText).join(', ') || 'none',
    expires: timeText(key.expires_at),
    'last used': timeText(key.last_used_at),
  };
}

/** A key as lines of a field and its value. */
export function fieldsOf(key: KeyView): readonly Row[] {
  const fields: Readonly<Record<string, string>> = {
    key: key.key,
    id: key.id,
    label: key.label,
    status: key.status,
    ...(key.previous_key && {
      'old key': `${key.previous_key.key} works until ${timeText(key.previous_key.ends_at)}`,
    }),
    created: timeText(key.created_at),
    expires: timeText(key.expires_at),
    'last used': timeText(key.last_used_at),
    quotas: key.quotas.map(quotaText).join(', ') || 'none',
    models: key.models?.join(', ') ?? 'all',
    addresses: key.ips?.join(', ') ?? 'all',
    'in flight': `${key.in_flight}${key.max_concurrency === null ? '' : ` of ${key.max_concurrency}`}`,
  };
  return Object.entries(fields).map(([field, value]) => ({ field, value }));
}

function quotaText({ meter, period, limit, used, held }: KeyView['quotas'][number]): string {
  const per = period === 'total' ? 'in total' : `per ${period}`;
  return `${used + held} of ${limit} ${meter} ${per}`;
}
