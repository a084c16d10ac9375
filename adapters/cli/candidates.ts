import type { Argument, Command, Option } from 'commander';

/** What could stand at the end of a command line, and what it is. */
export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** Where the end of a command line is: what could stand there follows from it. */
type Place =
  | { readonly kind: 'value'; readonly of: Option | Argument | undefined }
  | { readonly kind: 'option'; readonly command: Command; readonly given: ReadonlySet<string> }
  | { readonly kind: 'command'; readonly command: Command };

/** Asks for what only the server knows. */
export interface Known {
  keys(): Promise<readonly Candidate[]>;
}

/**
 * What can stand for the last of `words`, which may be empty: the commands, options and choices of the program, and the
 * ids of keys. Nothing where a file or a text of one's own is meant.
 */
export async function candidates(
  program: Command,
  words: readonly string[],
  known: Known,
): Promise<readonly Candidate[]> {
  const last = words.at(-1) ?? '';
  const all = await candidatesAt(placeOf(program, words), known);
  return all.filter(({ value }) => value.startsWith(last));
}

function placeOf(program: Command, words: readonly string[]): Place {
  const last = words.at(-1) ?? '';
  const given = new Set<string>();
  let command = program;
  let argumentsGiven = 0;
  let awaiting: Option | undefined;
  for (const word of words.slice(0, -1)) {
    if (awaiting !== undefined && takes(awaiting, word)) awaiting = undefined;
    else if (word.startsWith('-')) {
      const option = command.options.find(({ long, short }) => word === long || word === short);
      if (option !== undefined) given.add(option.attributeName());
      awaiting = option?.required || option?.optional ? option : undefined;
    } else {
      const inner = command.commands.find((each) => each.name() === word);
      if (inner === undefined) argumentsGiven += 1;
      else [command, argumentsGiven] = [inner, 0];
    }
  }
  if (awaiting !== undefined && takes(awaiting, last)) return { kind: 'value', of: awaiting };
  if (last.startsWith('-')) return { kind: 'option', command, given };
  if (command.commands.length > 0 && argumentsGiven === 0) return { kind: 'command', command };
  return { kind: 'value', of: command.registeredArguments[argumentsGiven] };
}

/** Whether a word is an option's value: where there need not be one, it is not another option. */
function takes(option: Option, word: string): boolean {
  return option.required || !word.startsWith('-');
}

function candidatesAt(place: Place, known: Known): readonly Candidate[] | Promise<readonly Candidate[]> {
  switch (place.kind) {
    case 'value':
      return valuesOf(place.of, known);
    case 'option':
      return optionsOf(place.command, place.given);
    case 'command':
      return commandsOf(place.command);
    default:
      return place satisfies never;
  }
}

function valuesOf(of: Option | Argument | undefined, known: Known) {
  if (of?.argChoices !== undefined) return of.argChoices.map((value) => ({ value, description: '' }));
  return of?.name() === 'key' ? known.keys() : [];
}

/** Those that were not given yet, but for those of which there may be several. */
function optionsOf(command: Command, given: ReadonlySet<string>): readonly Candidate[] {
  const visible = command.createHelp().visibleOptions(command);
  return visible
    .filter((option) => !given.has(option.attributeName()) || /several times/.test(option.description))
    .map((option) => ({ value: option.long ?? option.short ?? '', description: option.description }));
}

function commandsOf(command: Command): readonly Candidate[] {
  const visible = command.createHelp().visibleCommands(command);
  return visible.map((each) => ({ value: each.name(), description: each.description() }));
}
