import type { Command } from 'commander';
import { Option } from 'commander';
import type { KeyView } from '#handlers/admin/key-view.ts';
import { given, wholeNumber } from './option-values.ts';
import { print, printPage, timeText } from './print.ts';
import type { Row } from './table.ts';
import { addTermOptions, type TermOptions, termsOf } from './term-options.ts';

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

const ONCE = 'such as a UUID: the same command, run again within a day, is done once';

function addCreate(keys: Command): void {
  const create = keys.command('create').description('make a key; it is shown in full, this once');
  addTermOptions(create)
    .option('--idempotency-key <text>', ONCE)
    .option('--json', 'print JSON')
    .action(async ({ json, ...options }: TermOptions & Once & Json) => {
      const client = await connected();
      const key = await client.keys.create({
        body: termsOf(options),
        ...given({ idempotencyKey: options.idempotencyKey }),
      });
      print(json, key, () => fieldsOf(key));
      if (!json) process.stderr.write(KEEP_NOW);
    });
}

interface Once {
  idempotencyKey?: string;
}

interface RotateOptions extends Json, Once {
  graceSeconds?: number;
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
      printPage(json, page, rowOf);
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
    rate: rateText(key.requests_per_minute),
    'in flight': `${key.in_flight}${key.max_concurrency === null ? '' : ` of ${key.max_concurrency}`}`,
  };
  return Object.entries(fields).map(([field, value]) => ({ field, value }));
}

/** `null`: what the server says of all keys. */
function rateText(perMinute: number | null): string {
  if (perMinute === null) return "the server's";
  return perMinute === 0 ? 'no limit' : `${perMinute} requests per minute`;
}

function quotaText({ meter, period, limit, used, held }: KeyView['quotas'][number]): string {
  const per = period === 'total' ? 'in total' : `per ${period}`;
  return `${used + held} of ${limit} ${meter} ${per}`;
}
