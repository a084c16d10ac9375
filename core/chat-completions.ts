import type { BodyProblem, Endpoint, Reading } from './endpoints.ts';
import type { Members } from './json-members.ts';
import { duplicateOf, membersOf, withMembers } from './json-members.ts';
import type { Call } from './model.ts';
import { usageOf } from './openai-usage.ts';

const PATH = '/v1/chat/completions';

/** Deeper than any client nests, shallow enough for every parser on the way. */
const DEPTH_MAX = 64;
const MODEL_LENGTH_MAX = 256;
const CHOICES_MAX = 128; // OpenAI's own bound on `n`
const OUTPUT_TOKENS_MAX = 100_000_000;

/** More things than any conversation is made of. Ten megabytes of `{},` would become half a gigabyte of objects. */
const STRUCTURES_MAX = 200_000;

/**
 * Images, audio and files cost tokens that the body's bytes do not bound. The dearest image that we know of is
 * gpt-4o-mini's: 2,833 tokens and 5,667 for each of at most eight tiles (OpenAI's guide to images and vision).
 * What a file bills beyond is an overdraft.
 */
const PART_TOKENS_MAX = 50_000;

/** What servers put before the prompt to explain tools to a model: a few hundred tokens, taken generously. */
const TOOLS_TOKENS_MAX = 512;

/** Members that bound output; beside OpenAI's two, those that other servers prefer to them (llama.cpp, TGI). */
const BOUNDS = [
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'max_new_tokens',
  'n_predict',
] as const;

/** What metering reads. Servers that take names in any case must not find another reading of these. */
const METERED: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'stream',
  'stream_options',
  'n',
  'best_of',
  'tools',
  ...BOUNDS,
]);

/** OpenAI's own models refuse two bounds at once; others may know only one of them, and ignore the other. */
const OPENAI_MODEL = /^(?:.*\/)?(?:o\d|gpt-|chatgpt-)/;

/** These bound output by `max_completion_tokens` and refuse `max_tokens` (OpenAI API reference). */
const REASONING_MODEL = /^(?:.*\/)?(?:o\d|gpt-5)/;

/** OpenAI Chat Completions, as DeepSeek and others speak it. */
export const chatCompletions: Endpoint = { path: PATH, upstreamPath: '/chat/completions', read, usageOf };

function read(text: string, bodyBytes: number): Reading {
  const parsed = parse(text);
  if (!parsed.ok) return parsed;
  const { body, members } = parsed;
  const problem = check(body);
  if (problem !== undefined) return { ok: false, problem };
  const call = callOf(body, bodyBytes);
  const asksUsage = isObject(body['stream_options']) && body['stream_options']['include_usage'] === true;
  return {
    ok: true,
    request: {
      call,
      hidesUsage: call.stream && !asksUsage,
      bodyFor(outputTokensMax) {
        const values = new Map<string, string>();
        if (call.stream && !asksUsage) {
          const options = isObject(body['stream_options']) ? body['stream_options'] : {};
          values.set('stream_options', JSON.stringify({ ...options, include_usage: true }));
        }
        if (outputTokensMax !== null) {
          for (const name of boundsOf(body)) {
            if (body[name] !== outputTokensMax) values.set(name, String(outputTokensMax));
          }
        }
        return values.size === 0 ? text : withMembers(text, members, values);
      },
    },
  };
}

type Body = Readonly<Record<string, unknown>>;

function parse(
  text: string,
): { ok: true; body: Body; members: Members } | { ok: false; problem: BodyProblem } {
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

function check(body: Body): BodyProblem | undefined {
  const { model, messages, stream, stream_options } = body;
  const disguised = Object.keys(body).find((name) => !METERED.has(name) && METERED.has(folded(name)));
  if (disguised !== undefined) {
    return { message: `Write '${folded(disguised)}' for '${disguised}'.`, param: disguised };
  }
  if (!isAbsent(body['models'])) {
    return {
      message: "Name one 'model': a list of 'models' to choose from is not metered.",
      param: 'models',
    };
  }
  if (typeof model !== 'string' || model === '' || model.length > MODEL_LENGTH_MAX) {
    return { message: `'model' must be a string of 1 to ${MODEL_LENGTH_MAX} characters.`, param: 'model' };
  }
  if (!Array.isArray(messages)) return { message: "'messages' must be an array.", param: 'messages' };
  if (messages.some(hasBackslashedName)) {
    return {
      message: "No member of a message in 'messages' has a backslash in its name.",
      param: 'messages',
    };
  }
  if (!isAbsent(stream) && typeof stream !== 'boolean') {
    return { message: "'stream' must be true or false.", param: 'stream' };
  }
  if (!isAbsent(stream_options) && !isObject(stream_options)) {
    return { message: "'stream_options' must be an object.", param: 'stream_options' };
  }
  const choices = checkCount(body, 'n', CHOICES_MAX) ?? checkCount(body, 'best_of', CHOICES_MAX);
  return BOUNDS.reduce((problem, name) => problem ?? checkCount(body, name, OUTPUT_TOKENS_MAX), choices);
}

/** A name as servers read it that do not mind its case: Go's JSON folds `ſ` and the Kelvin sign, too. */
function folded(name: string): string {
  return name.toUpperCase().toLowerCase();
}

/** No message has such a member; that it seems to is how V8 misreads an escaped `content` (see `reread`). */
function hasBackslashedName(message: unknown): boolean {
  return isObject(message) && Object.keys(message).some((name) => name.includes('\\'));
}

function checkCount(body: Body, param: string, max: number): BodyProblem | undefined {
  const value = body[param];
  if (isAbsent(value)) return undefined;
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= max) return undefined;
  return { message: `'${param}' must be an integer from 1 to ${max}.`, param };
}

function callOf(body: Body, bodyBytes: number): Call {
  const count = (name: string) => (isAbsent(body[name]) ? undefined : Number(body[name]));
  const bounds = BOUNDS.map(count).filter((bound) => bound !== undefined);
  const tools = isAbsent(body['tools']) ? 0 : TOOLS_TOKENS_MAX;
  return {
    endpoint: PATH,
    model: String(body['model']),
    stream: body['stream'] === true,
    // Tokenizers work on bytes: no token is shorter than one, and the JSON around the text outweighs
    // what a chat template adds.
    inputTokensMax: bodyBytes + tools + PART_TOKENS_MAX * partsWithoutText(body['messages']),
    outputTokensMax: bounds.length === 0 ? null : Math.min(...bounds),
    modelOutputTokensMax: null,
    choices: Math.max(count('n') ?? 1, count('best_of') ?? 1),
  };
}

function partsWithoutText(messages: unknown): number {
  if (!Array.isArray(messages)) return 0;
  let parts = 0;
  for (const message of messages) {
    if (!isObject(message) || !Array.isArray(message['content'])) continue;
    for (const part of message['content']) if (isObject(part) && part['type'] !== 'text') parts += 1;
  }
  return parts;
}

/** The members that must carry the bound: all that were sent, and one that the model surely obeys. */
function boundsOf(body: Body): readonly string[] {
  const model = String(body['model']);
  const sent = BOUNDS.filter((name) => !isAbsent(body[name]));
  if (sent.length === 0) return [REASONING_MODEL.test(model) ? 'max_completion_tokens' : 'max_tokens'];
  // DeepSeek, for one, ignores `max_completion_tokens`.
  return OPENAI_MODEL.test(model) ? sent : [...new Set(['max_tokens', ...sent])];
}

function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(message: string, param: string | null): { ok: false; problem: BodyProblem } {
  return { ok: false, problem: { message, param } };
}
