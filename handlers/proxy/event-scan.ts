import { membersOf, withoutMember } from '#core/json-members.ts';
import type { Usage } from '#core/model.ts';
import { wholeLines } from './whole-lines.ts';

/** Looks through a stream of server-sent events as it passes. */
export interface EventScan {
  /** The bytes that may go on now: whole lines. What is left of a line waits for its end. */
  push(chunk: Uint8Array): Uint8Array;
  /** What is left when the stream has properly ended. */
  flush(): Uint8Array;
  /** The last usage that any event carried. */
  usage(): Usage | null;
  /** Whether the event was seen that ends a stream. */
  isDone(): boolean;
  /** Whether the usage came where a stream ends: by itself, or with a reason for finishing. */
  isFinal(): boolean;
}

/**
 * A scan for `usageOf`. With `hidesUsage` the client did not ask for usage: the extra event that carries it
 * and `usage: null` in all others are taken out again; every other byte stays as it came.
 */
export function scanEvents(usageOf: (event: unknown) => Usage | null, hidesUsage: boolean): EventScan {
  const lines = wholeLines();
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let usage: Usage | null = null;
  let done = false;
  let final = false;
  let dropsBlank = false;

  function pass(bytes: Uint8Array): Uint8Array {
    const text = decoder.decode(bytes);
    if (!dropsBlank && !text.includes('"usage"') && !text.includes('[DONE]')) return bytes;
    const kept = text
      .split(/(?<=\n)/)
      .map(examine)
      .join('');
    return kept === text ? bytes : encoder.encode(kept);
  }

  /** What stays of a line, its end included. */
  function examine(line: string): string {
    if (dropsBlank && line.trim() === '') {
      dropsBlank = false;
      return '';
    }
    if (!line.startsWith('data:')) return line;
    const payload = line.slice('data:'.length).trim();
    if (payload === '[DONE]') done = true;
    if (!payload.includes('"usage"')) return line;
    const event = parse(payload);
    usage = usageOf(event) ?? usage;
    if (event === undefined) return line;
    final = isUsageOnly(event) || hasFinished(event);
    if (!hidesUsage) return line;
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
    usage: () => usage,
    isDone: () => done,
    isFinal: () => final,
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

function hasFinished({ choices }: StreamEvent): boolean {
  return (
    Array.isArray(choices) && choices.length > 0 && choices.every((choice) => Boolean(choice?.finish_reason))
  );
}

/** The extra event of OpenAI's `stream_options.include_usage`: usage, and no choice. */
function isUsageOnly({ choices, usage }: StreamEvent): boolean {
  return Array.isArray(choices) && choices.length === 0 && typeof usage === 'object' && usage !== null;
}
