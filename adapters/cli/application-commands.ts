import type { Command } from 'commander';
import { Option } from 'commander';
import { APPLICATION_STATUSES, type ApplicationStatus } from '#core/applications.ts';
import type { AdminClient } from '#handlers/admin/client.ts';
import { given, wholeNumber } from './option-values.ts';
import { print, printPage, timeText } from './print.ts';
import type { Row } from './table.ts';
import { addTermOptions, type TermOptions, termsOf } from './term-options.ts';

type Application = Awaited<ReturnType<AdminClient['applications']['list']>>['items'][number];

interface Json {
  readonly json?: true;
}

/** `applications list`, `approve`, `reject`: who asked for a key, and the decision. */
export function addApplicationCommands(program: Command): void {
  const applications = program
    .command('applications')
    .description('look at applications for a key, approve and reject them');
  addList(applications);
  addTermOptions(
    applications
      .command('approve')
      .description('approve an application; its applicant alone gets the key, by the link')
      .argument('<id>', 'of the application'),
  )
    .option('--json', 'print JSON')
    .action(async (id: string, { json, ...options }: TermOptions & Json) => {
      const client = await connected();
      const application = await client.applications.approve({ params: { id }, body: termsOf(options) });
      print(json, application, () => fieldsOf(application));
    });
  applications
    .command('reject')
    .description('reject an application, also an approved one whose key was not claimed yet')
    .argument('<id>', 'of the application')
    .option('--reason <text>', 'as it is told to the applicant')
    .option('--json', 'print JSON')
    .action(async (id: string, { json, reason }: Json & { readonly reason?: string }) => {
      const client = await connected();
      const application = await client.applications.reject({ params: { id }, body: given({ reason }) });
      print(json, application, () => fieldsOf(application));
    });
}

interface ListOptions extends Json {
  readonly status?: ApplicationStatus;
  readonly limit?: number;
  readonly cursor?: string;
}

function addList(applications: Command): void {
  applications
    .command('list')
    .description('list applications, newest first')
    .addOption(new Option('--status <status>', 'only such ones (default: all)').choices(APPLICATION_STATUSES))
    .option('--limit <n>', 'at most so many (default: 50)', wholeNumber)
    .option('--cursor <cursor>', 'go on where the list before ended')
    .option('--json', 'print JSON')
    .action(async ({ json, ...query }: ListOptions) => {
      const client = await connected();
      const page = await client.applications.list({ query: given(query) });
      printPage(json, page, rowOf);
    });
}

async function connected() {
  const { connect } = await import('./connect.ts');
  return connect();
}

function rowOf({ id, name, status, created_at, contact, reason }: Application): Row {
  return { id, name, status, made: timeText(created_at), contact, reason };
}

function fieldsOf(application: Application): readonly Row[] {
  const { terms, key_id: keyId, ends_at: endsAt } = application;
  const fields: Readonly<Record<string, string | null>> = {
    id: application.id,
    name: application.name,
    contact: application.contact,
    reason: application.reason,
    status: application.status,
    made: timeText(application.created_at),
    ends: endsAt === null ? null : timeText(endsAt),
    'told to the applicant': application.rejection_reason,
    ...(terms !== null && termFields(terms)),
    'id of the key': keyId,
  };
  return Object.entries(fields)
    .filter(([, value]) => value !== null)
    .map(([field, value]) => ({ field, value }));
}

function termFields(terms: NonNullable<Application['terms']>) {
  const { expires_in_days: days, expires_at: at } = terms;
  return {
    label: terms.label,
    quotas:
      terms.quotas.map(({ limit, meter, period }) => `${limit} ${meter}/${period}`).join(', ') || 'none',
    models: terms.models?.join(', ') ?? 'all',
    addresses: terms.ips?.join(', ') ?? 'all',
    'key expires': days === null ? timeText(at) : `${days} days after the claim`,
  };
}
