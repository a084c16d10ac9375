/** What a connection tells of the answer it carries. */
interface AnswerObserver {
  eventsCame(): void;
  ended(answer: { status: number; events: number; done: boolean }): void;
}

/** Where in an answer a connection is. `bytesLeft` is -1 until the next chunk's size is known. */
interface Progress {
  status: number;
  chunked: boolean;
  bytesLeft: number;
  events: number;
  tail: string;
}

/**
 * Reads HTTP/1.1 answers with a length or in chunks (RFC 9112 §6.3, §7.1), one after another, from the parts that
 * a socket gives. As little work as possible: load generator and upstream share a core.
 * Server-sent events are counted, all but `[DONE]`, by which `done` is set.
 */
export function responseReader(observer: AnswerObserver): (part: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let progress: Progress | undefined;
  return (part) => {
    rest = rest.length === 0 ? part : Buffer.concat([rest, part]);
    for (;;) {
      if (progress === undefined) {
        const end = rest.indexOf('\r\n\r\n');
        if (end < 0) return;
        progress = begin(rest.toString('latin1', 0, end));
        rest = rest.subarray(end + 4);
      }
      const used = progress.chunked ? readChunk(progress, rest, observer) : readWhole(progress, rest);
      if (used === undefined) return;
      rest = rest.subarray(used);
      if (progress.bytesLeft === 0) {
        const { status, events, tail } = progress;
        progress = undefined;
        observer.ended({ status, events, done: tail.endsWith('data: [DONE]\n\n') });
        if (rest.length === 0) return;
      }
    }
  };
}

function begin(head: string): Progress {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  return {
    status: Number(head.slice(9, 12)),
    chunked: length === undefined,
    bytesLeft: Number(length ?? -1),
    events: 0,
    tail: '',
  };
}

/** How many bytes of `rest` the answer takes; `undefined` if they are not all there. */
function readWhole(progress: Progress, rest: Buffer): number | undefined {
  const { bytesLeft } = progress;
  if (rest.length < bytesLeft) return undefined;
  progress.bytesLeft = 0;
  return bytesLeft;
}

/** How many bytes of `rest` the next chunk takes with its frame; `undefined` if they are not all there. */
function readChunk(progress: Progress, rest: Buffer, observer: AnswerObserver): number | undefined {
  const lineEnd = rest.indexOf('\r\n');
  if (lineEnd < 0) return undefined;
  const size = Number.parseInt(rest.toString('latin1', 0, lineEnd), 16);
  const end = lineEnd + 2 + size + 2;
  if (rest.length < end) return undefined;
  if (size === 0) {
    progress.bytesLeft = 0;
    return end;
  }
  const text = rest.toString('latin1', lineEnd + 2, end - 2);
  const events = text.split('data: {').length - 1;
  if (events > 0 && progress.events === 0) observer.eventsCame();
  progress.events += events;
  progress.tail = text;
  return end;
}
