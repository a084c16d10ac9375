import type { BodyProblem } from './endpoints.ts';
import type { Members } from './json-members.ts';
import { duplicateOf, membersOf } from './json-members.ts';

/** A body's members, by the names that stand there. */
export type Body = Readonly<Record<string, unknown>>;

export type ParsedBody =
  | { readonly ok: true; readonly body: Body; readonly members: Members }
  | { readonly ok: false; readonly problem: BodyProblem };

/** Deeper than any client nests, shallow enough for every parser on the way. */
const DEPTH_MAX = 64;
export const MODEL_LENGTH_MAX = 256;

/** OpenAI's own bound on `n`. */
export const CHOICES_MAX = 128;

/** More things than any conversation is made of. Ten megabytes of `{},` would become half a gigabyte of objects. */
const STRUCTURES_MAX = 200_000;

/** Reads `text` as the JSON object of a call, of which there is only one reading, whoever reads it. */
export function parseBody(text: string): ParsedBody {
  let body: unknown;
  let members: Members;
  try {
    members = membersOf(text);
    if (members.structures > STRUCTURES_MAX) {
      return bad(`The request body has over ${STRUCTURES_MAX} objects, arrays and items.`, null);
    }
    body = JSON.parse(text);
  } catch {
    return bad('The request body is not valid JSON.', null);
  }
  if (!isObject(body)) return bad('The request body must be a JSON object.', null);
  if (members.depth > DEPTH_MAX) return bad(`The request body nests deeper than ${DEPTH_MAX} levels.`, null);
  const twice = duplicateOf(members);
  if (twice !== undefined) return bad(`'${twice}' is given twice; give it once.`, twice);
  // Which of two members of one name counts is not said (RFC 8259 §4): a parser may see what we did not.
  if (membersIn(body) < members.count)
    return bad('A member within the body is given twice; give it once.', null);
  return { ok: true, body: reread(body, text, members), members };
}

/** Members at all levels, as the parser has understood them. */
function membersIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inside = Object.values(value).reduce<number>((sum, each) => sum + membersIn(each), 0);
  return Array.isArray(value) ? inside : inside + Object.keys(value).length;
}

/**
 * V8 may take an escaped name for another that it has seen, one with a backslash in it
 * (nodejs/node#63785): an `n` hidden like that would be billed and not metered. So a member is taken
 * from `body` only where it is there under its own name, and else read again by itself.
 */
function reread(body: Body, text: string, { list }: Members): Body {
  if (!text.includes('\\')) return body;
  return Object.fromEntries(
    list.map(({ name, valueStart, end }) => [
      name,
      Object.hasOwn(body, name) ? body[name] : JSON.parse(text.slice(valueStart, end)),
    ]),
  );
}

/** A metered name that is written as only servers would read it that do not mind its case. */
export function checkDisguised(body: Body, metered: ReadonlySet<string>): BodyProblem | undefined {
  const disguised = Object.keys(body).find((name) => !metered.has(name) && metered.has(folded(name)));
  if (disguised === undefined) return undefined;
  return { message: `Write '${folded(disguised)}' for '${disguised}'.`, param: disguised };
}

/** A name as servers read it that do not mind its case: Go's JSON folds `ſ` and the Kelvin sign, too. */
function folded(name: string): string {
  return name.toUpperCase().toLowerCase();
}

/** What is wrong with the one model that a call names. */
export function checkModel({ model, models }: Body): BodyProblem | undefined {
  if (!isAbsent(models)) {
    return {
      message: "Name one 'model': a list of 'models' to choose from is not metered.",
      param: 'models',
    };
  }
  if (typeof model !== 'string' || model === '' || model.length > MODEL_LENGTH_MAX) {
    return { message: `'model' must be a string of 1 to ${MODEL_LENGTH_MAX} characters.`, param: 'model' };
  }
  return undefined;
}

/** What is wrong with the members that ask for a stream. */
export function checkStream({ stream, stream_options }: Body): BodyProblem | undefined {
  if (!isAbsent(stream) && typeof stream !== 'boolean') {
    return { message: "'stream' must be true or false.", param: 'stream' };
  }
  if (!isAbsent(stream_options) && !isObject(stream_options)) {
    return { message: "'stream_options' must be an object.", param: 'stream_options' };
  }
  return undefined;
}

/** A number of something, if it is given: an integer from `min`, which is 1 unless said otherwise, to `max`. */
export function checkCount(
  body: Body,
  param: string,
  { min = 1, max }: { readonly min?: number; readonly max: number },
): BodyProblem | undefined {
  const value = body[param];
  if (isAbsent(value)) return undefined;
  if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return undefined;
  return { message: `'${param}' must be an integer from ${min} to ${max}.`, param };
}

/** A member that `checkCount` has passed. */
export function countIn(body: Body, name: string): number | undefined {
  return isAbsent(body[name]) ? undefined : Number(body[name]);
}

/** No message has such a member; that it seems to is how V8 misreads an escaped `content` (see `reread`). */
export function hasBackslashedName(value: unknown): boolean {
  return isObject(value) && Object.keys(value).some((name) => name.includes('\\'));
}

/** Not there, or `null`, which APIs take for the same. */
export function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

/** An object of JSON, and no array. */
export function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(message: string, param: string | null): { ok: false; problem: BodyProblem } {
  return { ok: false, problem: { message, param } };
}
