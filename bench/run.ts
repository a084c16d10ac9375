import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isPinned } from './child.ts';
import type { ContestantName } from './contestants.ts';
import { CONTESTANTS, hasNginx } from './contestants.ts';
import { markdown, summarize } from './report.ts';
import type { Effort } from './rounds.ts';
import { runRounds } from './rounds.ts';

const HELP = `Measures the gateway beside a bare proxy, nginx and the upstream stub alone, in one run.

  npm run bench -- [--quick] [--servers bare,gateway,nginx,stub]

  --quick     one short round: shows that everything works, and little more
  --servers   only these; ratios need "bare"
  --help      this text
`;

const ROOT = join(import.meta.dirname, '..');
const FULL: Effort = { rounds: 2, warmUpSeconds: 4, seconds: 5, streamRepeats: 3 };
const QUICK: Effort = { rounds: 1, warmUpSeconds: 1, seconds: 1, streamRepeats: 1 };

async function bench(names: readonly ContestantName[], effort: Effort): Promise<void> {
  const startedAt = new Date().toISOString();
  const machine = describeMachine();
  if (machine.loadAverage > 0.5) {
    console.error(`load average ${machine.loadAverage.toFixed(1)}: the figures will be too high`);
  }
  if (names.includes('gateway')) {
    execFileSync(process.execPath, ['build.mjs'], { cwd: ROOT, stdio: 'inherit' });
  }
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  const rounds = await runRounds(names, effort, folder);
  const summary = summarize(rounds);
  const file = join(folder, `${startedAt.replaceAll(':', '-')}.json`);
  writeFileSync(file, JSON.stringify({ startedAt, machine, effort, summary, rounds }, null, 2));
  console.log(`${markdown(summary)}\n\nwritten to ${file}`);
}

function describeMachine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    pinned: isPinned,
    kernel: release(),
    node: process.version,
    loadAverage: loadavg()[0] ?? 0,
  };
}

/** The servers of a list, without nginx where there is none. @throws Error if a name is none of `CONTESTANTS` */
function namesIn(list: string): ContestantName[] {
  const names = list.split(',').map((given) => {
    const name = CONTESTANTS.find((known) => known === given);
    if (name === undefined) throw new Error(`--servers: "${given}" is none of ${CONTESTANTS.join(', ')}`);
    return name;
  });
  if (names.includes('nginx') && !hasNginx) console.error('nginx is not installed: left out');
  return names.filter((name) => name !== 'nginx' || hasNginx);
}

try {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean' }, servers: { type: 'string' }, help: { type: 'boolean' } },
  });
  const names = namesIn(values.servers ?? CONTESTANTS.join(','));
  if (values.help) console.log(HELP);
  else await bench(names, values.quick ? QUICK : FULL);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
