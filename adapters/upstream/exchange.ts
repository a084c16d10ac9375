import type { Dispatcher } from 'undici';
import type { UpstreamAnswer, UpstreamHead } from '#core/upstream.ts';
import { UpstreamFailure } from '#core/upstream.ts';
import type { ChunkQueue } from './chunk-queue.ts';
import { chunkQueue } from './chunk-queue.ts';

export interface ExchangeLimits {
  /** The longest that an exchange may last, whatever it does. */
  readonly exchangeMsMax: number;
  /** The largest answer that is taken whole. */
  readonly answerBytesMax: number;
}

const HOW_TO_TRUST = "; to trust it, name its file or its authority's in NODE_EXTRA_CA_CERTS";

type HeaderRecord = Readonly<Record<string, string | string[] | undefined>>;

/**
 * One request and its answer over `dispatcher`, by its callbacks: a fifth of the CPU that `fetch` takes.
 * Resolves with the head of a stream, or with the whole of any other answer.
 * @throws UpstreamFailure
 */
export function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  limits: ExchangeLimits,
): Promise<UpstreamAnswer> {
  return new Promise((resolve, reject) => {
    let started = false;
    let head: UpstreamHead | undefined;
    let queue: ChunkQueue | undefined;
    let parts: Uint8Array[] = [];
    let bytes = 0;
    let timer: NodeJS.Timeout | undefined;

    dispatcher.dispatch(request, {
      onRequestStart(controller) {
        started = true;
        // A timer, and not a look at the clock with each piece: a paused connection gets none.
        timer = setTimeout(() => {
          controller.abort(new UpstreamFailure('timed_out', `It took over ${limits.exchangeMsMax} ms.`));
        }, limits.exchangeMsMax);
      },
      onResponseStart(controller, status, headers) {
        if (status < 200) return; // RFC 9110 §15.2: interim, the answer is yet to come
        head = { status, headers: joined(headers) };
        const encoding = head.headers['content-encoding'];
        if (encoding !== undefined && encoding !== 'identity') {
          controller.abort(new UpstreamFailure('broken', `The upstream answered in ${encoding}, unasked.`));
        } else if (status === 200 && head.headers['content-type']?.startsWith('text/event-stream')) {
          queue = chunkQueue(controller);
          resolve({ kind: 'stream', head, chunks: queue });
        }
      },
      onResponseData(controller, chunk) {
        bytes += chunk.length;
        if (queue !== undefined) {
          queue.push(chunk);
        } else if (bytes > limits.answerBytesMax) {
          controller.abort(
            new UpstreamFailure('broken', `The answer is over ${limits.answerBytesMax} bytes.`),
          );
        } else {
          parts.push(chunk);
        }
      },
      onResponseEnd() {
        clearTimeout(timer);
        if (queue !== undefined) queue.end();
        else if (head !== undefined) resolve({ kind: 'whole', head, body: whole(parts) });
        parts = [];
      },
      onResponseError(_controller, error) {
        clearTimeout(timer);
        const failure = failureOf(error, started);
        if (queue !== undefined) queue.fail(failure);
        else reject(failure);
        parts = [];
      },
    });
  });
}

function failureOf(error: Error & { code?: string }, started: boolean): UpstreamFailure {
  if (error instanceof UpstreamFailure) return error;
  const options = { cause: error };
  if (!started) return new UpstreamFailure('unreachable', reasonOf(error), options);
  const timedOut = error.code === 'UND_ERR_HEADERS_TIMEOUT' || error.code === 'UND_ERR_BODY_TIMEOUT';
  return new UpstreamFailure(timedOut ? 'timed_out' : 'broken', error.message, options);
}

/**
 * One line. OpenSSL tells where in its sources it was, and of several addresses that failed Node tells nothing but a code.
 * For a certificate that is not trusted Node has a hint that leads astray in a container: the store there is the image's.
 */
function reasonOf({ code, message }: Error & { code?: string }): string {
  if (message === '' || /SSL routines/.test(message)) return code ?? 'no connection';
  return message.replaceAll(/\s+/g, ' ').replace(/; if the root CA is installed locally.*/, HOW_TO_TRUST);
}

function joined(headers: HeaderRecord): Readonly<Record<string, string>> {
  const result: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) result[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return result;
}

function whole(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}
