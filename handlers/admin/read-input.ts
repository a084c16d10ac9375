import { isObject } from '#core/json-body.ts';
import { duplicateOf, membersOf } from '#core/json-members.ts';
import { readBody } from '../read-body.ts';
import { errorReply } from '../reply.ts';
import { invalid } from './invalid.ts';

/** What a request brings, not yet checked against a schema; or the answer that says why it cannot be read. */
export type Input =
  | { readonly ok: true; readonly value: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly response: Response };

const BODY_BYTES_MAX = 1024 * 1024;
// The deepest body has a list of quotas: three levels.
const DEPTH_MAX = 8;

/** An admin's are few and small, and must get in when the room is full of others'. */
const ROOM = { take: () => true };

/** A query's fields. One that is empty counts as absent, as a form sends it. */
export function readQuery(request: Request): Input {
  const value: Record<string, string> = {};
  for (const [field, text] of new URL(request.url).searchParams) {
    if (Object.hasOwn(value, field)) {
      return { ok: false, response: invalid('query', [{ field, message: 'must be given once' }]) };
    }
    if (text !== '') Object.defineProperty(value, field, { value: text, enumerable: true });
  }
  return { ok: true, value };
}

/** A JSON body's members. No body is an object without any. */
export async function readJson(request: Request, bytesMax = BODY_BYTES_MAX): Promise<Input> {
  if (request.headers.get('content-type') === null && (await isEmpty(request)))
    return { ok: true, value: {} };
  const read = await readBody(request, bytesMax, ROOM);
  if (!read.ok) return { ok: false, response: errorReply(read.error) };
  if (read.text.trim() === '') return { ok: true, value: {} };
  return membersIn(read.text);
}

function membersIn(text: string): Input {
  const value = parse(text);
  if (value === undefined) return badBody('', 'must be JSON');
  if (!isObject(value)) return badBody('', 'must be a JSON object');
  const members = membersOf(text);
  if (members.depth > DEPTH_MAX) return badBody('', `must not be nested deeper than ${DEPTH_MAX} levels`);
  const twice = duplicateOf(members);
  if (twice !== undefined) return badBody(twice.slice(0, 100), 'must be given once');
  return { ok: true, value };
}

function badBody(field: string, message: string): Input {
  return { ok: false, response: invalid('body', [{ field, message }]) };
}

/** Reads no further than to the first byte: a body without a type is refused. */
async function isEmpty(request: Request): Promise<boolean> {
  if (request.body === null) return true;
  const { value } = await request.body.getReader().read();
  return value === undefined;
}

/** `undefined` is no JSON value: it stands for a text that is none. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
