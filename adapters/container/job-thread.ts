import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { SealBroken } from '#core/sealer.ts';
import { CopyBroken } from '#core/snapshot.ts';
import type { Jobs } from './compose-jobs.ts';
import { memoryBytes } from './memory-bytes.ts';

interface JobData {
  readonly role: typeof ROLE;
  readonly name: keyof Jobs;
  readonly args: readonly unknown[];
  readonly givesWay: boolean;
}

type Outcome =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: string; readonly message: string };

const ROLE = 'quota-proxy job';

// A job touches each byte once and keeps few: without limits the garbage would be let grow as if the machine were its own.
const YOUNG_GENERATION_MB = 8;
const OLD_GENERATION_MB_MIN = 96;
/** What one job may keep, of all memory that there is: an account for each key, while a copy is audited. */
const MEMORY_SHARE = 1 / 4;

/** Runs a job that would block whoever waits for it, in a thread of its own. @throws what the job throws */
export type RunJob = <N extends keyof Jobs>(name: N, ...args: Parameters<Jobs[N]>) => Promise<Results[N]>;

type Results = { [N in keyof Jobs]: Awaited<ReturnType<Jobs[N]>> };

/** Beside a server, jobs give way to requests: what they do not do now they do a little later. */
export function jobRunner({ givesWay }: { readonly givesWay: boolean }): RunJob {
  return async <N extends keyof Jobs>(name: N, ...args: Parameters<Jobs[N]>): Promise<Results[N]> => {
    const outcome = await outcomeOf({ role: ROLE, name, args, givesWay });
    if (outcome.kind === 'failed') throw errorOf(outcome);
    return outcome.value as Results[N];
  };
}

function outcomeOf(data: JobData): Promise<Outcome> {
  const { name } = data;
  // As with the ledger's thread: from source this module, in the bundle all of it.
  const worker = new Worker(new URL(import.meta.url), {
    workerData: data,
    name: `${ROLE}: ${name}`,
    execArgv: [],
    resourceLimits: {
      maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
      maxOldGenerationSizeMb: Math.max(OLD_GENERATION_MB_MIN, (memoryBytes() * MEMORY_SHARE) / 1024 ** 2),
    },
  });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error(`the job ${name} ended without a result`)));
  });
}

/** Errors that are awaited by their class; a thread's boundary takes classes away. */
const KNOWN: Readonly<Record<string, new (message: string) => Error>> = { CopyBroken, SealBroken };

function errorOf({ error, message }: Extract<Outcome, { kind: 'failed' }>): Error {
  const known = KNOWN[error];
  if (known !== undefined) return new known(message);
  const unknown = new Error(message);
  unknown.name = error;
  return unknown;
}

async function perform({ name, args, givesWay }: JobData): Promise<Outcome> {
  try {
    const { giveWay, jobs } = await import('./compose-jobs.ts');
    if (givesWay) await giveWay();
    // A job's arguments are those that `RunJob` took for it: the compiler does not see them through a thread.
    const job = jobs[name] as (...given: readonly unknown[]) => unknown;
    return { kind: 'done', value: await job(...args) };
  } catch (error) {
    const known = error instanceof Error ? error : new Error(String(error));
    return { kind: 'failed', error: known.name, message: known.message };
  }
}

if (!isMainThread && parentPort !== null && (workerData as JobData | null)?.role === ROLE) {
  parentPort.postMessage(await perform(workerData as JobData));
}
