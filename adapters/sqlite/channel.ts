import type { Worker } from 'node:worker_threads';
import { StoreUnavailable } from '#core/ports.ts';
import type { Answer, Call, Method, Methods } from './methods.ts';
import { StoreRefused } from './store-refused.ts';

/** The main thread's end of the line to the writer's thread. */
export interface Channel {
  /**
   * Asks; order is kept. Calls of one turn of the event loop go as one message: waking the other
   * thread is what costs. @throws StoreUnavailable
   */
  call<M extends Method>(...call: readonly [M, ...Parameters<Methods[M]>]): Promise<ReturnType<Methods[M]>>;
  /** The same for what nobody waits for: it rides with the next `call`, or goes a little later. */
  callSoon<M extends Method>(
    ...call: readonly [M, ...Parameters<Methods[M]>]
  ): Promise<ReturnType<Methods[M]>>;
  /** Resolves when the writer is ready. @throws StoreRefused */
  readonly opened: Promise<void>;
}

/** Long enough to meet other work on a busy proxy; a crash within it lapses what it would have settled. */
const SOON_MS = 2;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The channel to a writer's thread that was just started. Its first answer tells how opening went. */
export function openChannel(worker: Worker): Channel {
  const line: Line = { worker, calls: [], waiting: [], flush: undefined, late: undefined, broken: undefined };
  worker.on('message', (message: string) => receive(line, message));
  worker.on('error', (error: Error) => cut(line, `the ledger's thread failed: ${error.message}`));
  worker.on('exit', () => cut(line, 'the store is closed'));
  const opened = new Promise<unknown>((resolve, reject) => line.waiting.push({ resolve, reject }));
  // Nobody may wait for it yet.
  opened.catch(() => undefined);
  return {
    opened: opened as Promise<void>,
    call: (...call) => {
      line.flush ??= setImmediate(send, line);
      return ask(line, call as unknown as Call);
    },
    callSoon: (...call) => {
      line.late ??= setTimeout(send, SOON_MS, line);
      return ask(line, call as unknown as Call);
    },
  };
}

interface Line {
  readonly worker: Worker;
  /** Asked for and not sent. */
  calls: Call[];
  /** Asked for and not answered, in order. */
  waiting: Waiting[];
  flush: NodeJS.Immediate | undefined;
  late: NodeJS.Timeout | undefined;
  broken: StoreUnavailable | undefined;
}

function ask<T>(line: Line, call: Call): Promise<T> {
  if (line.broken !== undefined) return Promise.reject(line.broken);
  line.calls.push(call);
  return new Promise((resolve, reject) => {
    line.waiting.push({ resolve: resolve as (value: unknown) => void, reject });
  });
}

function send(line: Line): void {
  clearImmediate(line.flush);
  clearTimeout(line.late);
  line.flush = undefined;
  line.late = undefined;
  if (line.calls.length === 0) return;
  // One string crosses for less than the objects would: their clone costs several times what JSON does.
  line.worker.postMessage(JSON.stringify(line.calls));
  line.calls = [];
}

function receive(line: Line, message: string): void {
  const answers = JSON.parse(message) as readonly Answer[];
  const answered = line.waiting.splice(0, answers.length);
  for (const [index, { resolve, reject }] of answered.entries()) {
    const answer = answers[index];
    if (answer?.kind === 'done') resolve(answer.value);
    else reject(errorOf(answer));
  }
}

function cut(line: Line, message: string): void {
  line.broken ??= new StoreUnavailable(message);
  const { broken } = line;
  for (const { reject } of line.waiting.splice(0)) reject(broken);
  line.calls = [];
}

function errorOf(answer: Exclude<Answer, { kind: 'done' }> | undefined): Error {
  switch (answer?.kind) {
    case 'refused':
      return new StoreRefused(answer.message, answer.refusal);
    case 'unavailable':
      return new StoreUnavailable(answer.message);
    default:
      return new Error(answer?.message ?? 'the ledger gave no answer');
  }
}
