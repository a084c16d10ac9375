import type { EventShape } from '#core/event-shape.ts';
import { anthropicError } from '../dialect.ts';
import { failureOf } from '../failure.ts';
import type { WireError } from '../reply.ts';
import { errorBody } from '../reply.ts';

/** How a stream of each shape tells an error. */
const EVENTS: {
  readonly [Shape in EventShape['errors']]: (error: WireError, requestId: string, last: string) => string;
} = {
  chunk: (error) => data(errorBody(error)),
  message: (error, requestId) => `event: error\n${data(anthropicError(error, requestId))}`,
  // The event `error` of the Responses API (OpenAI API reference, streaming events).
  response({ code, message, param = null }, _requestId, last) {
    const numbers = [...last.matchAll(/"sequence_number" ?: ?(\d{1,9})\b/g)];
    const sequence_number = Number(numbers.at(-1)?.[1] ?? -1) + 1;
    return `event: error\n${data({ type: 'error', code, message, param, sequence_number })}`;
  },
};

/**
 * The last event of a stream that `error` broke: nothing of its inside, and what a client may know.
 * `last` is what had been passed before, up to the end of a line.
 */
export function errorEvent(
  shape: EventShape['errors'],
  requestId: string,
  error: unknown,
  last: Uint8Array,
): Uint8Array {
  const before = new TextDecoder().decode(last);
  // A blank line ends an event that was cut in two. One of which only the name came must not be ended: it would be an
  // event without data; the next name replaces it.
  const isNamed = /(^|\n)event:[^\n]*\n$/.test(before);
  const event = EVENTS[shape](failureOf(error), requestId, before);
  return new TextEncoder().encode(isNamed ? event : `\n${event}`);
}

function data(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}
