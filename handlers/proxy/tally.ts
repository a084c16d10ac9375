import type { Usage } from '#core/model.ts';
import type { Clock } from '#core/ports.ts';
import type { UpstreamChunks } from '#core/upstream.ts';
import type { EventScan } from './event-scan.ts';

/** A stream on its way to the client, and what became of it. */
export interface Tally {
  readonly stream: ReadableStream<Uint8Array>;
  /** Resolves exactly once, however the stream ends; never rejects. */
  readonly end: Promise<TallyEnd>;
}

export interface TallyEnd {
  /** By the upstream's count, if the stream came to its end; else it costs its reservation. */
  readonly usage: Usage | null;
  /** When the first bytes came, by the clock that is never set; `null` if none did. */
  readonly firstMs: number | null;
  /** Whether the client left before the last event was on its way to it. */
  readonly clientGone: boolean;
  /** What broke the stream; `undefined` if nothing did. */
  readonly error: unknown;
}

/**
 * A client that hangs up is accounted for by reading on. The upstream that is still writing after this long
 * is left, and the request costs its reservation.
 */
const READ_ON_MS_MAX = 60_000;

/** The event that ends a stream which `error` broke, after `last` had been passed. */
export type LastWord = (error: unknown, last: Uint8Array) => Uint8Array;

const NO_BYTES = new Uint8Array(0);

/**
 * The same bytes out as came in, but for what `scan` takes out, asked for one piece at a time,
 * so that a slow client slows the upstream.
 */
export function tally(chunks: UpstreamChunks, scan: EventScan, clock: Clock, lastWord: LastWord): Tally {
  const { promise, resolve } = Promise.withResolvers<TallyEnd>();
  let clientGone = false;
  let leftEarly = false;
  let firstMs: number | null = null;
  let last: Uint8Array = NO_BYTES;
  const end = (broken?: unknown) => {
    // What breaks after the last event breaks nothing: the client has it all.
    const error = scan.isDone() ? undefined : broken;
    // A count that came before the stream broke may be one of many: only a finished stream is believed.
    const complete = scan.isDone() || (error === undefined && scan.isFinal());
    const usage = complete ? scan.usage() : null;
    resolve({ usage, firstMs, clientGone: leftEarly, error });
  };

  function count(chunk: Uint8Array | undefined): Uint8Array {
    if (chunk === undefined) return scan.flush();
    firstMs ??= clock.elapsedMs();
    return scan.push(chunk);
  }

  async function pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      for (;;) {
        const chunk = await chunks.next();
        const bytes = count(chunk);
        if (clientGone) return; // `readOn` has taken over
        if (bytes.length > 0) {
          last = bytes;
          controller.enqueue(bytes);
        }
        if (chunk === undefined) {
          controller.close();
          end();
        }
        if (chunk === undefined || bytes.length > 0) return;
      }
    } catch (error) {
      if (clientGone) return;
      chunks.cancel();
      if (!scan.isDone()) controller.enqueue(lastWord(error, last));
      controller.close();
      end(error);
    }
  }

  /** The client is gone: nobody gets the bytes any more, and they are counted all the same. */
  async function readOn(): Promise<void> {
    clientGone = true;
    leftEarly = !scan.isDone();
    const untilMs = clock.elapsedMs() + READ_ON_MS_MAX;
    try {
      for (let chunk = await chunks.next(); chunk !== undefined; chunk = await chunks.next()) {
        count(chunk);
        if (clock.elapsedMs() > untilMs) throw new Error('the client is gone and the stream goes on');
      }
      count(undefined);
      end();
    } catch (error) {
      chunks.cancel();
      end(error);
    }
  }

  const stream = new ReadableStream<Uint8Array>({ pull, cancel: () => void readOn() }, { highWaterMark: 0 });
  return { stream, end: promise };
}
