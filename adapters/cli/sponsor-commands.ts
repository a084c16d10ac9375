import type { Command } from 'commander';
import { Option } from 'commander';
import type { Quota } from '#core/model.ts';
import type { AdminClient } from '#handlers/admin/client.ts';
import { WrongUsage } from './command-failed.ts';
import { oneMoreQuota } from './option-values.ts';
import { print, timeText } from './print.ts';
import type { Row } from './table.ts';

type Standing = Awaited<ReturnType<AdminClient['sponsor']['get']>>['quotas'][number];

interface SetOptions {
  readonly json?: true;
  readonly quota?: readonly Quota[];
  readonly none?: true;
}

/** `sponsor show`, `set`: what all keys together may use. */
export function addSponsorCommands(program: Command): void {
  const sponsor = program
    .command('sponsor')
    .description('look at the quotas over all keys together, and set them');
  sponsor
    .command('show')
    .description('show the quotas, and what they stand at')
    .option('--json', 'print JSON')
    .action(async ({ json }: { readonly json?: true }) => {
      const { connect } = await import('./connect.ts');
      const shown = await connect().sponsor.get();
      print(json, shown, () => shown.quotas.map(rowOf));
    });
  sponsor
    .command('set')
    .description('set the quotas, instead of all before; what was used stays counted')
    .option('--quota <quota>', "such as '30000000 cost/month'; may be given several times", oneMoreQuota)
    .addOption(new Option('--none', 'no quota over all keys').conflicts('quota'))
    .option('--json', 'print JSON')
    .action(async ({ json, quota, none }: SetOptions) => {
      if (quota === undefined && !none)
        throw new WrongUsage("Name the quotas, such as --quota '30000000 cost/month', or say --none");
      const { connect } = await import('./connect.ts');
      const set = await connect().sponsor.put({ body: { quotas: [...(quota ?? [])] } });
      print(json, set, () => set.quotas.map(rowOf));
    });
}

function rowOf({ meter, period, limit, used, held, resets_at }: Standing): Row {
  return {
    quota: `${meter} ${period === 'total' ? 'in total' : `per ${period}`}`,
    limit,
    used,
    held,
    left: Math.max(limit - used - held, 0),
    'starts anew': timeText(resets_at),
  };
}
