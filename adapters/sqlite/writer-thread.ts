import {
  isMainThread,
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  Worker,
  workerData,
} from 'node:worker_threads';
import { calendarOf } from '#core/window.ts';
import { dropBallast, takeBallast } from './ballast.ts';
import { openDatabase, resolveStorePath } from './database.ts';
import { finishInstall } from './install-copy.ts';
import type { Limits } from './limits.ts';
import { takeLock } from './lock.ts';
import type { Answer, Call } from './methods.ts';
import { StoreRefused } from './store-refused.ts';
import { openWriter, type Writer } from './writer.ts';

/** What the thread needs to know. */
export interface WriterOptions {
  readonly path: string;
  readonly timeZone: string;
  readonly limits: Limits;
}

const ROLE = 'quota-proxy ledger';

/** After so long without work, what is in memory is written back. */
const IDLE_MS = 1000;

/**
 * Starts the thread that will own the database, once the first message gives it `WriterOptions`. It runs this same file: from
 * source this module, in the bundle all of it, whose other entries know by `isMainThread` that they are not meant.
 */
export function startWriterThread(): Worker {
  return new Worker(new URL(import.meta.url), { workerData: { role: ROLE }, name: ROLE, execArgv: [] });
}

function serve(options: WriterOptions, port: MessagePort): void {
  const reply = (answers: readonly Answer[]) => port.postMessage(JSON.stringify(answers));
  const writer = openOrTell(options, reply);
  if (writer === undefined) return;
  let idle: NodeJS.Timeout | undefined;
  let more: NodeJS.Immediate | undefined;
  const rest = () => {
    clearImmediate(more);
    more = writer.rest() ? setImmediate(rest) : undefined;
  };
  port.on('message', (message: string) => {
    const calls = [...(JSON.parse(message) as readonly Call[]), ...callsWaiting(port)];
    reply(writer.answer(calls));
    if (calls.some(([method]) => method === 'close')) {
      clearTimeout(idle);
      clearImmediate(more);
      writer.close();
      port.close();
      return;
    }
    idle = idle?.refresh() ?? setTimeout(rest, IDLE_MS);
  });
  reply([{ kind: 'done' }]);
}

/** Everything else that came while the last commit was in flight. */
function callsWaiting(port: MessagePort): readonly Call[] {
  const calls: Call[] = [];
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (received === undefined) return calls;
    calls.push(...(JSON.parse(received.message as string) as readonly Call[]));
  }
}

function openOrTell(
  { path, timeZone, limits }: WriterOptions,
  reply: (answers: readonly Answer[]) => void,
): Writer | undefined {
  try {
    const resolved = resolveStorePath(path);
    const lock = takeLock(resolved);
    try {
      finishInstall(resolved);
      const writer = openWithBallast(resolved, () =>
        openWriter(openDatabase(resolved), calendarOf(timeZone), limits),
      );
      return { ...writer, close: () => closeBoth(writer, lock) };
    } catch (error) {
      lock.release();
      throw error;
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof StoreRefused) reply([{ kind: 'refused', message, refusal: error.kind }]);
    else reply([{ kind: 'failed', message }]);
    return undefined;
  }
}

/** On a disk that is full to the last byte there is still what was put aside for this. */
function openWithBallast(path: string, open: () => Writer): Writer {
  try {
    const writer = open();
    takeBallast(path);
    return writer;
  } catch (error) {
    if (!(error instanceof StoreRefused) || error.kind !== 'full' || !dropBallast(path)) throw error;
    return open();
  }
}

function closeBoth(writer: Writer, lock: { release(): void }): void {
  writer.close();
  lock.release();
}

if (!isMainThread && parentPort !== null && (workerData as { role?: unknown } | null)?.role === ROLE) {
  const port = parentPort;
  port.once('message', (options: WriterOptions) => serve(options, port));
}
