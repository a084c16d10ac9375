import { expect, test } from 'vitest';
import { openaiChunks } from '#core/openai-chunks.ts';
import type { UpstreamChunks } from '#core/upstream.ts';
import { UpstreamFailure } from '#core/upstream.ts';
import { errorEvent } from './error-event.ts';
import { scanEvents } from './event-scan.ts';
import { tally } from './tally.ts';

const EVENT = 'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n';
const USAGE = 'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n';
const DONE = 'data: [DONE]\n\n';
const COUNTED = { prompt: 3, completion: 2, cached: 0, cacheWritten: 0, reasoning: 0 };

/** An upstream that hands over what the test gives it, when the test gives it. */
function handed() {
  const given: (string | Error | undefined)[] = [];
  let wake: (() => void) | undefined;
  let cancelled = false;
  const chunks: UpstreamChunks = {
    async next() {
      while (given.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const next = given.shift();
      if (next instanceof Error) throw next;
      return next === undefined ? undefined : new TextEncoder().encode(next);
    },
    cancel() {
      cancelled = true;
    },
  };
  const give = (next: string | Error | undefined) => {
    given.push(next);
    wake?.();
  };
  return { chunks, give, isCancelled: () => cancelled };
}

const tallied = (chunks: UpstreamChunks, clock = { elapsedMs: 0 }) =>
  tally(
    chunks,
    scanEvents(openaiChunks, false),
    { now: () => 0, elapsedMs: () => clock.elapsedMs },
    (error, last) => errorEvent('chunk', 'r', error, last),
  );

test('a stream that ends is charged by its usage', async () => {
  const { chunks, give } = handed();
  for (const event of [EVENT, USAGE, DONE, undefined]) give(event);
  const { stream, end } = tallied(chunks);
  expect(await new Response(stream).text()).toBe(EVENT + USAGE + DONE);
  expect(await end).toMatchObject({ usage: COUNTED, clientGone: false, error: undefined });
});

test('a client that hangs up while it waits for the next bytes is read on for', async () => {
  const { chunks, give } = handed();
  const { stream, end } = tallied(chunks);
  const reader = stream.getReader();
  const waiting = reader.read();
  await reader.cancel();
  expect((await waiting).done).toBe(true);
  for (const event of [EVENT, EVENT, USAGE, DONE, undefined]) give(event);
  expect(await end).toMatchObject({ usage: COUNTED, clientGone: true, error: undefined });
});

test('reading on has an end: what the upstream has not finished by then is an estimate', async () => {
  const { chunks, give, isCancelled } = handed();
  const clock = { elapsedMs: 0 };
  const { stream, end } = tallied(chunks, clock);
  await stream.cancel();
  give(USAGE);
  clock.elapsedMs = 60_001;
  give(EVENT);
  expect(await end).toMatchObject({ usage: null, clientGone: true });
  expect(isCancelled()).toBe(true);
});

test('a stream that breaks ends with one error event; the usage of a part is not believed', async () => {
  const { chunks, give } = handed();
  const broken = new UpstreamFailure('broken', 'other side closed');
  for (const event of [USAGE, 'data: {"cut', broken]) give(event);
  const { stream, end } = tallied(chunks);
  const text = await new Response(stream).text();
  expect(text.startsWith(`${USAGE}\ndata: {"error":{`)).toBe(true);
  expect(text.endsWith('}}\n\n')).toBe(true);
  expect(text).not.toContain('other side closed');
  expect(await end).toMatchObject({ usage: null, clientGone: false, error: broken });
});

test('a stream that breaks after its last event was whole', async () => {
  const { chunks, give } = handed();
  for (const event of [EVENT, USAGE, DONE, new UpstreamFailure('broken', 'reset')]) give(event);
  const { stream, end } = tallied(chunks);
  expect(await new Response(stream).text()).toBe(EVENT + USAGE + DONE);
  expect(await end).toMatchObject({ usage: COUNTED, clientGone: false, error: undefined });
});

const EARLY = 'data: {"choices":[{"delta":{}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\n';
const LAST =
  'data: {"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n';

test.each([
  { name: 'counted early', stream: [EARLY, EVENT], usage: null },
  {
    name: 'counted early and then failed',
    stream: [EARLY, 'data: {"error":{"message":"x"}}\n\n'],
    usage: null,
  },
  { name: 'counted with its reason to finish', stream: [EARLY, LAST], usage: COUNTED },
  { name: 'counted by itself', stream: [EARLY, USAGE], usage: COUNTED },
])('a stream that ends without [DONE], $name', async ({ stream: given, usage }) => {
  const { chunks, give } = handed();
  for (const event of [...given, undefined]) give(event);
  const { stream, end } = tallied(chunks);
  await new Response(stream).text();
  expect((await end).usage).toEqual(usage);
});

test('a client that leaves when the last event is on its way has not left early', async () => {
  const { chunks, give } = handed();
  give(USAGE + DONE);
  const { stream, end } = tallied(chunks);
  const reader = stream.getReader();
  await reader.read();
  await reader.cancel();
  give(undefined);
  expect(await end).toMatchObject({ usage: COUNTED, clientGone: false });
});

test('nothing is asked for before the client asks', async () => {
  let asked = 0;
  const chunks: UpstreamChunks = { next: async () => new Uint8Array([++asked, 0x0a]), cancel: () => {} };
  const { stream } = tallied(chunks);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(asked).toBe(0);
  await stream.getReader().read();
  expect(asked).toBe(1);
});
