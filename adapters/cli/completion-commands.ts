import type { Command } from 'commander';
import { Argument } from 'commander';
import type { Candidate } from './candidates.ts';
import { candidates } from './candidates.ts';
import type { Shell } from './completion-scripts.ts';
import { COMPLETION_SCRIPTS, SHELLS } from './completion-scripts.ts';

/** As many as a page of the admin API has at most; who has more types a little of the id first. */
const KEYS_MAX = 200;

/** `completion`, and what its scripts ask: `complete`. */
export function addCompletionCommands(program: Command): void {
  program
    .command('completion')
    .description('print what makes a shell complete commands, options and the ids of keys')
    .addArgument(new Argument('<shell>', 'whose').choices(SHELLS))
    .action((shell: Shell) => {
      process.stdout.write(COMPLETION_SCRIPTS[shell]);
    });
  program
    .command('complete', { hidden: true })
    .description('print what can stand for the last of the words, a line each: for a shell')
    .argument('[words...]')
    .action(async (words: string[]) => {
      const found = await candidates(program, words, { keys: keyCandidates });
      process.stdout.write(found.map(lineOf).join(''));
    });
}

function lineOf({ value, description }: Candidate): string {
  return description === '' ? `${value}\n` : `${value}\t${description.replaceAll(/\s+/g, ' ')}\n`;
}

/** None where the server does not tell them: a shell has no place for an error. */
async function keyCandidates(): Promise<readonly Candidate[]> {
  try {
    const { connect } = await import('./connect.ts');
    const { items } = await connect().keys.list({ query: { limit: KEYS_MAX } });
    return items.map(({ id, label, key }) => ({ value: id, description: label || key }));
  } catch {
    return [];
  }
}
