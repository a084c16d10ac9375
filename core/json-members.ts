/** Where one member of a JSON object stands in its text: from its name's first quote to its value's end. */
export interface Member {
  readonly name: string;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

export interface Members {
  readonly list: readonly Member[];
  /** Members at all levels of nesting. */
  readonly count: number;
  /** Objects, arrays, and commas: what a parser makes things of. */
  readonly structures: number;
  /** Levels of nesting, the object itself included. */
  readonly depth: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * The members of the object that `text` is, with their places, so that one can be changed and every other
 * byte stays as it is. `text` must be what JSON.parse takes for an object: nothing is checked again.
 */
export function membersOf(text: string): Members {
  const list: Member[] = [];
  let depth = 0;
  let depthMax = 0;
  let count = 0;
  let structures = 0;
  let name: { text: string; start: number } | undefined;
  let valueStart = 0;
  let last = 0;

  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      if (depth === 1 && name === undefined) name = { text: JSON.parse(text.slice(at, end)), start: at };
      last = end;
      at = end - 1;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth += 1;
      structures += 1;
      depthMax = Math.max(depthMax, depth);
      last = at + 1;
    } else if (code === COLON) {
      count += 1;
      if (depth === 1) valueStart = startOfValue(text, at + 1);
    } else if (code === COMMA && depth !== 1) {
      structures += 1;
    } else if (depth === 1 && (code === COMMA || code === CLOSE_BRACE)) {
      if (name !== undefined) list.push({ name: name.text, start: name.start, valueStart, end: last });
      name = undefined;
      if (code === CLOSE_BRACE) depth = 0;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth -= 1;
      last = at + 1;
    } else if (code > 0x20) {
      last = at + 1;
    }
  }
  return { list, count, structures, depth: depthMax };
}

/** The first name that stands there twice; JSON leaves open which one counts (RFC 8259 §4). */
export function duplicateOf({ list }: Members): string | undefined {
  const seen = new Set<string>();
  for (const { name } of list) {
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

/** `text` with top-level members set to JSON texts, in place where they exist, else in front. */
export function withMembers(text: string, members: Members, values: ReadonlyMap<string, string>): string {
  if (values.size === 0) return text;
  let result = '';
  let copied = 0;
  const missing = new Map(values);
  for (const { name, valueStart, end } of members.list) {
    const value = values.get(name);
    if (value === undefined) continue;
    result += text.slice(copied, valueStart) + value;
    copied = end;
    missing.delete(name);
  }
  result += text.slice(copied);
  if (missing.size === 0) return result;
  const added = [...missing].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',');
  const brace = result.indexOf('{') + 1;
  return `${result.slice(0, brace)}${added}${members.list.length > 0 ? ',' : ''}${result.slice(brace)}`;
}

/** `text` without one top-level member and the comma that set it off. */
export function withoutMember(text: string, { list }: Members, name: string): string {
  const index = list.findIndex((member) => member.name === name);
  const member = list[index];
  if (member === undefined) return text;
  const before = list[index - 1];
  const after = list[index + 1];
  if (before !== undefined) return text.slice(0, before.end) + text.slice(member.end);
  return text.slice(0, member.start) + text.slice(after?.start ?? member.end);
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  if (end === -1) throw new Error('a string without an end: not JSON');
  return end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first -= 1;
  return (at - first) % 2 === 1;
}

function startOfValue(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) <= 0x20) at += 1;
  return at;
}
