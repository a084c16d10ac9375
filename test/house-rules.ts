import { roomOf } from './rooms.ts';
import type { SourceFile } from './source-file.ts';
import { readSource } from './source-file.ts';

interface Violation {
  readonly line: number;
  readonly rule: string;
  readonly what: string;
}

type Rule = (file: SourceFile) => Iterable<Violation>;

/** What a test beside its source may import as well. */
const FOR_TESTS = ['test/', 'vitest', 'fast-check', 'node:'];

/** Time and randomness come in by the ports `Clock` and `Ids`, so that a decision can be run again. */
const CLOCK =
  /^(Date\.now|performance\.(now|timeOrigin)|process\.(hrtime|uptime)|Temporal\.Now)\b|^new Date\(\)$|^node:perf_hooks#/;
const RANDOMNESS =
  /^Math\.random$|(^|\.)(random(UUID|Bytes|Int|Fill|FillSync)|getRandomValues)$|^node:crypto#(random|getRandom)/;
const ENVIRONMENT = /^process\.env$|^node:process#env$/;

/** What only `Secrets` may compare, in a time that tells nothing. A constant, such as a blank for one, is no secret. */
const OF_A_SECRET = /(^|[. ])\w*(secret|token|pepper|password|digest)s?( |$)/i;
const COMPARES_SECRETS = 'adapters/system/secrets-under.ts';
/** Where credentials come in. Elsewhere digests are of files, and tokens of lists. */
const MEETS_SECRETS =
  /^(core\/(authorize|secret|decide)|handlers\/(?!backup\/)|adapters\/(container|system)\/)/;

const VAGUE_NAMES = /^(utils?|helpers?|types?|common|index|misc|shared|lib)$/;
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const FILE_LINES_MAX = 300;
const FUNCTION_LINES_MAX = 70;

/** Every broken rule of a file, as `path:line rule: what`. `path` is relative to the repository. */
export function violations(path: string, source: string): string[] {
  const file = readSource(path, source);
  return RULES.flatMap((rule) => [...rule(file)]).map(
    ({ line, rule, what }) => `${path}:${line} ${rule}: ${what}`,
  );
}

function* imports({ path, imports }: SourceFile): Iterable<Violation> {
  const room = roomOf(path);
  if (room === undefined) {
    yield { line: 1, rule: 'room', what: 'no row of the dependency table is about this file' };
    return;
  }
  const may = isTest(path) ? [...room.may, ...FOR_TESTS] : room.may;
  for (const { text, line } of imports) {
    if (may.some((allowed) => fits(targetOf(path, text), allowed))) continue;
    yield { line, rule: 'import', what: `${text}: ${room.path} may import ${may.join(' ')} (${room.why})` };
  }
}

/** Each crossing from one folder, or one adapter, to another is to be visible. */
function* crossings({ path, imports }: SourceFile): Iterable<Violation> {
  for (const { text, line } of imports) {
    if (!text.startsWith('.') || folderOf(targetOf(path, text)) === folderOf(path)) continue;
    yield { line, rule: 'crossing', what: `${text}: write #folder/… where a folder is left` };
  }
}

function* outsideWorld({ path, reads }: SourceFile): Iterable<Violation> {
  if (isTest(path) || !/^(core|handlers|adapters)\//.test(path)) return;
  for (const { text, line } of reads) {
    if (!path.startsWith('adapters/system/')) {
      if (CLOCK.test(text)) yield { line, rule: 'clock', what: `${text}: only adapters/system reads it` };
      if (RANDOMNESS.test(text))
        yield { line, rule: 'randomness', what: `${text}: only adapters/system makes it` };
    }
    if (path !== 'adapters/container/config.ts' && ENVIRONMENT.test(text)) {
      yield { line, rule: 'environment', what: `${text}: only adapters/container/config.ts reads it` };
    }
  }
}

function* secrets({ path, comparisons, reads }: SourceFile): Iterable<Violation> {
  if (isTest(path) || path === COMPARES_SECRETS) return;
  const what = (text: string) => `${text}: only ${COMPARES_SECRETS} compares secrets`;
  for (const { text, line } of reads) {
    if (/(#|\.)timingSafeEqual$/.test(text)) yield { line, rule: 'secret', what: what(text) };
  }
  if (!MEETS_SECRETS.test(path)) return;
  for (const { text, line } of comparisons) {
    if (OF_A_SECRET.test(text)) yield { line, rule: 'secret', what: what(text) };
  }
}

function* names({ path }: SourceFile): Iterable<Violation> {
  const stem = (path.split('/').at(-1) ?? '').replace(/(\.test|\.config|\.d)?\.[a-z]+$/, '');
  const isVague = VAGUE_NAMES.test(stem);
  if (isVague)
    yield { line: 1, rule: 'name', what: `${stem} says nothing; name a file after its main export` };
  if (!KEBAB_CASE.test(stem)) yield { line: 1, rule: 'name', what: `${stem} is not kebab-case` };
}

/** A suite is one function, whatever its length; the tests in it are measured. */
function* sizes({ path, lineCount, functions, tests }: SourceFile): Iterable<Violation> {
  const fileSize = `${lineCount} lines, at most ${FILE_LINES_MAX}`;
  if (lineCount > FILE_LINES_MAX) yield { line: 1, rule: 'file size', what: fileSize };
  for (const { text, line, lineCount } of functions) {
    const isSuite = isTest(path) && tests.some((test) => test.line > line && test.line < line + lineCount);
    if (lineCount <= FUNCTION_LINES_MAX || isSuite) continue;
    yield { line, rule: 'function size', what: `${text}: ${lineCount} lines, at most ${FUNCTION_LINES_MAX}` };
  }
}

function* modules({ path, defaultExports, moduleVariables }: SourceFile): Iterable<Violation> {
  if (!path.endsWith('.config.ts')) {
    for (const { line } of defaultExports) yield { line, rule: 'default export', what: 'export a name' };
  }
  if (!isTest(path)) {
    for (const { text, line } of moduleVariables) {
      yield { line, rule: 'module state', what: `${text} outside any function` };
    }
  }
}

const RULES: readonly Rule[] = [imports, crossings, outsideWorld, secrets, names, sizes, modules];

/** A path of the house, `node:…`, or a package's name. */
function targetOf(from: string, specifier: string): string {
  if (specifier.startsWith('#')) return specifier.slice(1);
  if (specifier.startsWith('.')) return new URL(specifier, `file:///${from}`).pathname.slice(1);
  if (specifier.startsWith('node:')) return specifier;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function fits(target: string, allowed: string): boolean {
  if (allowed === '*') return true;
  return allowed.endsWith('/') || allowed.endsWith(':') ? target.startsWith(allowed) : target === allowed;
}

function folderOf(path: string): string {
  const [top = '', next = ''] = path.split('/');
  return top === 'adapters' ? `${top}/${next}` : top;
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('test/');
}
