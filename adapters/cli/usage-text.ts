import type { Command, CommanderError } from 'commander';

/** What is wrong with a command line, in one line that ends with where to look it up. */
export function usageText(error: CommanderError, program: Command, argv: readonly string[]): string {
  const { command, path } = lastOf(program, argv);
  const what = error.code === 'commander.help' ? `${path} needs one of ${namesOf(command)}` : said(error);
  return `${what}. See ${path} --help`;
}

/** As Commander says it, in lines of its own: `error: unknown command 'keyz'`, and maybe `(Did you mean keys?)`. */
function said({ message }: CommanderError): string {
  return message
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '');
}

/** The command that the words name, as far as they name one. */
function lastOf(program: Command, argv: readonly string[]) {
  let [command, path] = [program, program.name()];
  for (const word of argv) {
    if (word.startsWith('-')) continue;
    const inner = command.commands.find((each) => each.name() === word);
    if (inner === undefined) break;
    [command, path] = [inner, `${path} ${inner.name()}`];
  }
  return { command, path };
}

function namesOf(command: Command): string {
  const visible = command.createHelp().visibleCommands(command);
  return visible
    .map((each) => each.name())
    .filter((name) => name !== 'help')
    .join(', ');
}
