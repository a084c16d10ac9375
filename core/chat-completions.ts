import type { BodyProblem, Endpoint, Reading } from './endpoints.ts';
import { inputTokensMax, partsOf } from './input-bound.ts';
import type { Body } from './json-body.ts';
import {
  checkCount,
  checkDisguised,
  checkModel,
  checkStream,
  countIn,
  hasBackslashedName,
  isAbsent,
  isObject,
  parseBody,
} from './json-body.ts';
import { withMembers } from './json-members.ts';
import type { Call } from './model.ts';
import { usageOf } from './openai-usage.ts';
import { BOUNDS, boundsIn, checkBounds, leastBound, setBounds } from './output-bounds.ts';
import { asksUsage, setUsageAsked } from './stream-usage.ts';

const PATH = '/v1/chat/completions';

const CHOICES_MAX = 128; // OpenAI's own bound on `n`

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
  const parsed = parseBody(text);
  if (!parsed.ok) return parsed;
  const { body, members } = parsed;
  const problem = check(body);
  if (problem !== undefined) return { ok: false, problem };
  const call = callOf(body, bodyBytes);
  return {
    ok: true,
    request: {
      call,
      hidesUsage: call.stream && !asksUsage(body),
      bodyFor(outputTokensMax) {
        const bound = setBounds(body, boundsOf(body), outputTokensMax);
        return withMembers(text, members, new Map([...setUsageAsked(body), ...bound]));
      },
    },
  };
}

function check(body: Body): BodyProblem | undefined {
  return (
    checkDisguised(body, METERED) ??
    checkModel(body) ??
    checkMessages(body) ??
    checkStream(body) ??
    checkCount(body, 'n', CHOICES_MAX) ??
    checkCount(body, 'best_of', CHOICES_MAX) ??
    checkBounds(body)
  );
}

function checkMessages({ messages }: Body): BodyProblem | undefined {
  if (!Array.isArray(messages)) return { message: "'messages' must be an array.", param: 'messages' };
  if (!messages.some(hasBackslashedName)) return undefined;
  return { message: "No member of a message in 'messages' has a backslash in its name.", param: 'messages' };
}

function callOf(body: Body, bodyBytes: number): Call {
  return {
    endpoint: PATH,
    model: String(body['model']),
    stream: body['stream'] === true,
    inputTokensMax: inputTokensMax(bodyBytes, !isAbsent(body['tools']), partsWithoutText(body['messages'])),
    outputTokensMax: leastBound(body),
    modelOutputTokensMax: null,
    outputTokensMin: 0,
    choices: Math.max(countIn(body, 'n') ?? 1, countIn(body, 'best_of') ?? 1),
  };
}

function partsWithoutText(messages: unknown): number {
  if (!Array.isArray(messages)) return 0;
  const isBeyondText = ({ type }: Body) => type !== 'text';
  return messages.reduce(
    (parts, message) => parts + (isObject(message) ? partsOf(message['content'], isBeyondText) : 0),
    0,
  );
}

/** The members that must carry the bound: all that were sent, and one that the model surely obeys. */
function boundsOf(body: Body): readonly string[] {
  const model = String(body['model']);
  const sent = boundsIn(body);
  if (sent.length === 0) return [REASONING_MODEL.test(model) ? 'max_completion_tokens' : 'max_tokens'];
  // DeepSeek, for one, ignores `max_completion_tokens`.
  return OPENAI_MODEL.test(model) ? sent : [...new Set(['max_tokens', ...sent])];
}
