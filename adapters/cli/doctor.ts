import { existsSync } from 'node:fs';
import { examineStore } from '#adapters/container/compose-store.ts';
import { readToolConfig } from '#adapters/container/config.ts';
import { CommandFailed } from './command-failed.ts';
import { table } from './table.ts';

/** Checks a database and prints what was found. Resolves with whether all is well. */
export async function doctor({ path: given, json }: { path?: string; json?: true }): Promise<boolean> {
  const { storePath } = readToolConfig();
  const path = given ?? storePath;
  if (!existsSync(path) && existsSync(`${path}.restoring`))
    throw new CommandFailed(
      `A restore was cut short at ${path}: the next start of the server finishes it, and so does another restore`,
    );
  if (!existsSync(path))
    throw new CommandFailed(`There is no database at ${path}: name it by --path or STORE_PATH`);
  const checks = await examineStore(path);
  const ok = checks.every(({ problems }) => problems.length === 0);
  if (json) {
    process.stdout.write(`${JSON.stringify({ path, ok, checks }, null, 2)}\n`);
    return ok;
  }
  const rows = checks.map(({ name, checked, problems }) => ({
    '': problems.length === 0 ? '✓' : '✗',
    check: name,
    rows: checked,
    problems: problems.length,
  }));
  process.stdout.write(table(rows));
  for (const { name, problems } of checks) {
    for (const problem of problems) process.stderr.write(`quota-proxy: ${name}: ${problem}\n`);
  }
  process.stdout.write(ok ? `${path} is well.\n` : `${path} is not well.\n`);
  return ok;
}
