import { messageEvents, usageOf } from './anthropic-usage.ts';
import { bodyReader } from './body-reader.ts';
import type { BodyProblem, Endpoint } from './endpoints.ts';
import { inputTokensMax } from './input-bound.ts';
import type { Body } from './json-body.ts';
import { checkStream, hasBackslashedName, isAbsent, isObject } from './json-body.ts';
import { messagesDescription } from './messages-description.ts';
import type { Call } from './model.ts';
import { BOUNDS, boundsIn, checkBounds, leastBound, setBounds } from './output-bounds.ts';

const PATH = '/v1/messages';

/** A system prompt about tools, of up to some 800 tokens (Anthropic's pricing of tool use), taken generously. */
const TOOLS_TOKENS_MAX = 1_024;

/** Blocks that are text, or hold it in `content`. Any other may cost more than its bytes. */
const TEXT_BLOCKS: ReadonlySet<unknown> = new Set([
  'text',
  'thinking',
  'redacted_thinking',
  'tool_use',
  'server_tool_use',
  'mcp_tool_use',
  'tool_result',
  'search_result',
  'compaction',
]);

/** Sources of a document that are its text, or hold blocks of it. */
const TEXT_SOURCES: ReadonlySet<unknown> = new Set(['text', 'content']);

/** Anthropic Messages, without state at the provider. */
export const messages: Endpoint = {
  path: PATH,
  upstreamPath: '/messages',
  dialect: 'anthropic',
  events: messageEvents,
  read: bodyReader({
    metered: new Set(['messages', 'system', 'stream', 'tools', 'mcp_servers', 'thinking', ...BOUNDS]),
    refused: [
      {
        name: 'thread',
        why: 'is not metered: what is kept at the provider is not in the body. Send all messages.',
      },
      {
        name: 'container',
        why: 'may not name one that is there already: all keys here have one account at the provider.',
        allows: (value) => isObject(value) && isAbsent(value['id']) && !hasBackslashedName(value),
      },
      { name: 'fallbacks', why: 'is not metered: other models have other prices. Name one model.' },
      {
        name: 'speed',
        why: "is not metered but for 'standard': another speed has other prices.",
        allows: (value) => value === 'standard',
      },
    ],
    check,
    callOf,
    setIn: (body, bound) => setBounds(body, new Set(['max_tokens', ...boundsIn(body)]), bound),
    hidesUsage: () => false,
  }),
  usageOf,
  description: messagesDescription,
};

function check(body: Body): BodyProblem | undefined {
  // 0 fills the cache, and generates nothing.
  return checkMessages(body) ?? checkMaxTokens(body) ?? checkStream(body) ?? checkBounds(body, 0);
}

function checkMessages(body: Body): BodyProblem | undefined {
  if (!Array.isArray(body['messages'])) {
    return { message: "'messages' must be an array.", param: 'messages' };
  }
  const isMisread = (shown: Body) => [shown, shown['source']].some(hasBackslashedName);
  const misread = ['messages', 'system'].find((name) => [...shownIn(body[name])].some(isMisread));
  if (misread === undefined) return undefined;
  return { message: `No member of a block in '${misread}' has a backslash in its name.`, param: misread };
}

/** Anthropic's API has no default: without it there is no bound to hold the answer to. */
function checkMaxTokens({ max_tokens }: Body): BodyProblem | undefined {
  return isAbsent(max_tokens) ? { message: "'max_tokens' must be given.", param: 'max_tokens' } : undefined;
}

function callOf(body: Body, bodyBytes: number): Call {
  const shown = [...shownIn(body['messages']), ...shownIn(body['system'])];
  const parts = shown.filter(isBeyondText).length + hostedIn(body['tools']) + lengthOf(body['mcp_servers']);
  return {
    endpoint: PATH,
    model: String(body['model']),
    stream: body['stream'] === true,
    inputTokensMax: inputTokensMax(bodyBytes, isAbsent(body['tools']) ? 0 : TOOLS_TOKENS_MAX, parts),
    outputTokensMax: leastBound(body),
    modelOutputTokensMax: null,
    outputTokensMin: thinkingTokens(body),
    choices: 1,
  };
}

/** Messages and the blocks that they hold, and the blocks that those hold: what a model is shown. */
function* shownIn(list: unknown): Generator<Body> {
  if (!Array.isArray(list)) return;
  for (const shown of list.filter(isObject)) {
    yield shown;
    yield* shownIn(shown['content']);
    const { source } = shown;
    if (isObject(source)) yield* shownIn(source['content']);
  }
}

function isBeyondText({ type, source }: Body): boolean {
  if (type === 'document') return !(isObject(source) && TEXT_SOURCES.has(source['type']));
  return !isAbsent(type) && !TEXT_BLOCKS.has(type);
}

/** Tools of the provider's: some read what is not in the body, and the others have descriptions that are not. */
function hostedIn(tools: unknown): number {
  return Array.isArray(tools) ? tools.filter(isHosted).length : 0;
}

function isHosted(tool: unknown): boolean {
  if (!isObject(tool) || hasBackslashedName(tool)) return true;
  return !isAbsent(tool['type']) && tool['type'] !== 'custom';
}

function lengthOf(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}

/** "`max_tokens` must be greater than `thinking.budget_tokens`": a lower bound would only buy a refusal. */
function thinkingTokens({ thinking }: Body): number {
  const budget = isObject(thinking) ? Number(thinking['budget_tokens']) : 0;
  return Number.isSafeInteger(budget) && budget > 0 ? budget + 1 : 0;
}
