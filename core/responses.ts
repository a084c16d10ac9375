import { bodyReader } from './body-reader.ts';
import type { BodyProblem, Endpoint } from './endpoints.ts';
import { inputTokensMax, TOOLS_TOKENS_MAX } from './input-bound.ts';
import type { Body } from './json-body.ts';
import { checkStream, hasBackslashedName, isAbsent, isObject } from './json-body.ts';
import type { Call } from './model.ts';
import { BOUNDS, boundsIn, checkBounds, leastBound, setBounds } from './output-bounds.ts';
import { responsesDescription } from './responses-description.ts';
import { responseEvents, usageOf } from './responses-usage.ts';

const PATH = '/v1/responses';

/** What is kept at the provider is in one account for all keys of this proxy, and its tokens are not in the body. */
const ELSEWHERE = 'is not metered: what is kept at the provider is not in the body. Send all of the input.';

const STATE = ['previous_response_id', 'conversation', 'prompt'];

/** Items of input that are text, or hold it in `content` and `output`. Any other may cost more than its bytes. */
const TEXT_ITEMS: ReadonlySet<unknown> = new Set([
  'message',
  'reasoning',
  'function_call',
  'function_call_output',
  'custom_tool_call',
  'custom_tool_call_output',
  'local_shell_call',
  'local_shell_call_output',
  'apply_patch_call',
  'apply_patch_call_output',
  'compaction',
]);

const TEXT_PARTS: ReadonlySet<unknown> = new Set([
  'input_text',
  'output_text',
  'text',
  'refusal',
  'reasoning_text',
  'summary_text',
]);

/** Tools that the client runs itself: others read what is not in the body, as often as they like. */
const CLIENT_TOOLS: ReadonlySet<unknown> = new Set([
  'function',
  'custom',
  'namespace',
  'local_shell',
  'apply_patch',
  'computer',
  'computer_use_preview',
]);

/** OpenAI's models that reason: they alone take `reasoning.encrypted_content`, and others refuse it. */
const REASONING_MODEL = /^(?:.*\/)?(?:o\d|gpt-[5-9])(?!.*-chat)/;
const ENCRYPTED_REASONING = 'reasoning.encrypted_content';

/** OpenAI Responses, without state at the provider. */
export const responses: Endpoint = {
  path: PATH,
  upstreamPath: '/responses',
  dialect: 'openai',
  events: responseEvents,
  read: bodyReader({
    metered: new Set(['input', 'instructions', 'stream', 'store', 'include', 'tools', ...BOUNDS]),
    refused: [
      {
        name: 'background',
        why: 'is not metered: nobody would see what it used. Stream the response.',
        allows: (value) => value === false,
      },
      ...STATE.map((name) => ({ name, why: ELSEWHERE })),
    ],
    check,
    callOf,
    setIn: (body, bound) => [
      ...setStateless(body),
      ...setBounds(body, new Set(['max_output_tokens', ...boundsIn(body)]), bound),
    ],
    hidesUsage: () => false,
  }),
  usageOf,
  description: responsesDescription,
};

function check(body: Body): BodyProblem | undefined {
  return checkInput(body) ?? checkStream(body) ?? checkBounds(body, 1);
}

function checkInput({ input }: Body): BodyProblem | undefined {
  if (typeof input === 'string') return undefined;
  const problem = (message: string) => ({ message, param: 'input' });
  if (!Array.isArray(input)) return problem("'input' must be a text or a list.");
  if (input.some(isReference)) {
    return problem(
      "A reference to an item in 'input' is not metered: send the item itself, with 'store' false.",
    );
  }
  return [...shownIn(input)].some(hasBackslashedName)
    ? problem("No member of an item in 'input' has a backslash in its name.")
    : undefined;
}

/** `type` may be left out of a message, which has a role, and of a reference, which has none. */
function isReference(item: unknown): boolean {
  if (!isObject(item)) return false;
  return item['type'] === 'item_reference' || (isAbsent(item['type']) && isAbsent(item['role']));
}

function callOf(body: Body, bodyBytes: number): Call {
  const { input, tools } = body;
  const parts = [...shownIn(input)].filter(isBeyondText).length;
  const hosted = Array.isArray(tools) ? tools.filter(isHosted).length : 0;
  return {
    endpoint: PATH,
    model: String(body['model']),
    stream: body['stream'] === true,
    inputTokensMax: inputTokensMax(bodyBytes, isAbsent(tools) ? 0 : TOOLS_TOKENS_MAX, parts + hosted),
    outputTokensMax: leastBound(body),
    modelOutputTokensMax: null,
    outputTokensMin: 0,
    choices: 1,
  };
}

/** The items of an input, and the parts that they hold. */
function* shownIn(input: unknown): Generator<Body> {
  if (!Array.isArray(input)) return;
  for (const item of input.filter(isObject)) {
    yield item;
    for (const held of [item['content'], item['output']]) {
      if (Array.isArray(held)) yield* held.filter(isObject);
    }
  }
}

function isBeyondText({ type }: Body): boolean {
  return !isAbsent(type) && !TEXT_ITEMS.has(type) && !TEXT_PARTS.has(type);
}

function isHosted(tool: unknown): boolean {
  return !isObject(tool) || hasBackslashedName(tool) || !CLIENT_TOOLS.has(tool['type']);
}

/**
 * A response that is kept at the provider is nobody's here: no route fetches or deletes it, and its items could be
 * brought into another call by their ids. So nothing is kept; and as reasoning is then found nowhere else, it is asked
 * for in the answer, where a client that sends the answer's items back has it (OpenAI's guide to reasoning, stateless mode).
 */
function setStateless(body: Body): readonly (readonly [string, string])[] {
  if (body['store'] === false) return [];
  const store = ['store', 'false'] as const;
  const include = isAbsent(body['include']) ? [] : body['include'];
  if (!REASONING_MODEL.test(String(body['model'])) || !Array.isArray(include)) return [store];
  if (include.includes(ENCRYPTED_REASONING)) return [store];
  return [store, ['include', JSON.stringify([...include, ENCRYPTED_REASONING])]];
}
