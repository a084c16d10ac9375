import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BundledPackage } from './bundled-packages.ts';

/** What packages call the files whose text must go with copies of them. */
const LEGAL_FILE = /^(licen[cs]e|notice|copying)\b/i;

/**
 * The licences of what is in the bundle: who is under which, then each text once, below the packages that it came with.
 * A package that came without one has the licence that it declares.
 */
export function thirdPartyNotices(
  root: string,
  packages: readonly BundledPackage[],
  sqliteVersion: string,
): string {
  const titles = new Map<string, string[]>();
  for (const each of packages) {
    for (const text of legalTexts(join(root, each.folder)))
      titles.set(text, [...(titles.get(text) ?? []), titleOf(each)]);
  }
  const list = packages.map((each) => `  ${titleOf(each)}: ${each.licence}`);
  const texts = [...titles].map(([text, of]) => `${'─'.repeat(80)}\n${of.join('\n')}\n\n${text}\n`);
  return `quota-proxy contains what these packages have written, under the licence that each declares:

${list.join('\n')}
  SQLite ${sqliteVersion}, in better-sqlite3: public domain

The texts that came with them:

${texts.join('\n')}`;
}

function titleOf({ name, version }: BundledPackage): string {
  return `${name} ${version}`;
}

/** Line ends and margins aside. */
function legalTexts(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => LEGAL_FILE.test(name))
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n').trim());
}
