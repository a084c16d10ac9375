import { readFileSync } from 'node:fs';

/** The text of the file at `path`, which the setting `name` names; `undefined`, and a problem more, if it cannot be read. */
export function fileText(name: string, path: string, problems: string[]): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    problems.push(`${name} is '${path}': the file cannot be read (${why})`);
    return undefined;
  }
}
