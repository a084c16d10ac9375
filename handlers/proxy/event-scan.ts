import type { EventShape } from '#core/event-shape.ts';
import { membersOf, withoutMember } from '#core/json-members.ts';
import type { Usage } from '#core/model.ts';
import { isUsageOnly } from '#core/openai-chunks.ts';
import { wholeLines } from './whole-lines.ts';

/** Looks through a stream of server-sent events as it passes. */
export interface EventScan {
  /** The bytes that may go on now: whole lines. What is left of a line waits for its end. */
  push(chunk: Uint8Array): Uint8Array;
  /** What is left when the stream has properly ended. */
  flush(): Uint8Array;
  /** What was used according to the events so far. */
  usage(): Usage | null;
  /** Whether the event was seen that ends a stream. */
  isDone(): boolean;
  /** Whether the usage came where a stream ends, should the event that ends it never come. */
  isFinal(): boolean;
}

/**
 * A scan of events of one shape. With `hidesUsage` the client did not ask for usage: the extra event that carries it
 * and `usage: null` in all others are taken out again; every other byte stays as it came.
 */
export function scanEvents({ marks, reader }: EventShape, hidesUsage: boolean): EventScan {
  const lines = wholeLines();
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  const events = reader();
  let dropsBlank = false;

  function pass(bytes: Uint8Array): Uint8Array {
    const text = decoder.decode(bytes);
    if (!dropsBlank && !hasMark(text)) return bytes;
    const kept = text
      .split(/(?<=\n)/)
      .map(examine)
      .join('');
    return kept === text ? bytes : encoder.encode(kept);
  }

  function hasMark(text: string): boolean {
    for (const mark of marks) if (text.includes(mark)) return true;
    return false;
  }

  /** What stays of a line, its end included. */
  function examine(line: string): string {
    if (dropsBlank && line.trim() === '') {
      dropsBlank = false;
      return '';
    }
    if (!line.startsWith('data:') || !hasMark(line)) return line;
    const payload = line.slice('data:'.length).trim();
    const event = parse(payload);
    events.read(event, payload);
    if (!hidesUsage || event === undefined) return line;
    dropsBlank = isUsageOnly(event);
    if (dropsBlank) return '';
    if (event['usage'] !== null) return line;
    return line.replace(payload, () => withoutMember(payload, membersOf(payload), 'usage'));
  }

  return {
    push(chunk) {
      const whole = lines.push(chunk);
      return whole.length === 0 ? whole : pass(whole);
    },
    flush: () => pass(lines.rest()),
    usage: events.usage,
    isDone: events.isDone,
    isFinal: events.isFinal,
  };
}

type StreamEvent = Readonly<Record<string, unknown>>;

function parse(payload: string): StreamEvent | undefined {
  try {
    const event: unknown = JSON.parse(payload);
    return typeof event === 'object' && event !== null ? (event as StreamEvent) : undefined;
  } catch {
    return undefined;
  }
}
