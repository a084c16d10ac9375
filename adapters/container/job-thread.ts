import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { SealBroken } from '#core/sealer.ts';
import { CopyBroken } from '#core/snapshot.ts';
import type { Jobs } from './compose-jobs.ts';

interface JobData {
  readonly role: typeof ROLE;
  readonly name: keyof Jobs;
  readonly args: readonly unknown[];
}

type Outcome =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: string; readonly message: string };

const ROLE = 'quota-proxy job';

// A job touches each byte once and keeps none: a large young generation would only make the process larger.
const YOUNG_GENERATION_MB = 8;

/**
 * Runs a job that would block whoever waits for it in a thread of its own, which gives way to everybody else.
 * @throws what the job throws
 */
export async function runJob<N extends keyof Jobs>(
  name: N,
  ...args: Parameters<Jobs[N]>
): Promise<Awaited<ReturnType<Jobs[N]>>> {
  const data: JobData = { role: ROLE, name, args };
  // As with the ledger's thread: from source this module, in the bundle all of it.
  const worker = new Worker(new URL(import.meta.url), {
    workerData: data,
    name: `${ROLE}: ${name}`,
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
  const outcome = await new Promise<Outcome>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error(`the job ${name} ended without a result`)));
  });
  if (outcome.kind === 'failed') throw errorOf(outcome);
  return outcome.value as Awaited<ReturnType<Jobs[N]>>;
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

async function perform({ name, args }: JobData): Promise<Outcome> {
  try {
    const { jobs } = await import('./compose-jobs.ts');
    // A job's arguments are those that `runJob` took for it: the compiler does not see them through a thread.
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
