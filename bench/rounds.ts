import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, startServer } from './child.ts';
import type { Contestant, ContestantName } from './contestants.ts';
import { startContestant } from './contestants.ts';
import type { Measurement } from './measure.ts';
import { measure } from './measure.ts';
import type { BufferedRow, Rows, StreamRow } from './report.ts';
import { CHUNKS_PER_STREAM, CONNECTION_LEVELS, STREAMS } from './workload.ts';

export interface Effort {
  readonly rounds: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly streamRepeats: number;
}

/**
 * Measures each server once in each round: interleaved, so that what else the machine does falls on all alike.
 * Buffered and streamed answers are measured on processes of their own, so that the peak memory is the streams'.
 */
export async function runRounds(
  names: readonly ContestantName[],
  effort: Effort,
  folder: string,
): Promise<Rows> {
  const buffered: BufferedRow[] = [];
  const streams: StreamRow[] = [];
  for (let round = 1; round <= effort.rounds; round += 1) {
    for (const name of names) {
      console.error(`round ${round} of ${effort.rounds}: ${name}`);
      buffered.push(...(await withContestant(name, folder, (it) => measureBuffered(name, it, effort))));
      streams.push(await withContestant(name, folder, (it) => measureStreams(name, it, effort)));
    }
  }
  return { buffered, streams };
}

/** Runs `use` on a fresh server with a fresh upstream and an empty folder on the disk, and clears them away. */
async function withContestant<T>(
  name: ContestantName,
  parent: string,
  use: (it: Contestant) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(parent, 'run-'));
  const upstreamPort = await freePort();
  const args = [join(import.meta.dirname, 'upstream.ts'), String(upstreamPort)];
  const upstream = await startServer({ command: process.execPath, args, core: 'load' }, upstreamPort);
  try {
    const contestant = await startContestant(name, { upstreamPort, folder });
    try {
      return await use(contestant);
    } finally {
      await contestant.stop();
    }
  } finally {
    await upstream.stop();
    rmSync(folder, { recursive: true });
  }
}

async function measureBuffered(
  server: ContestantName,
  contestant: Contestant,
  { warmUpSeconds, seconds }: Effort,
): Promise<BufferedRow[]> {
  const { port, secret } = contestant;
  const workload = { port, secret, stream: false, requestsMax: 1_000_000 };
  await measure(contestant, { ...workload, connections: 64, secondsMax: warmUpSeconds });
  const rows: BufferedRow[] = [];
  for (const connections of CONNECTION_LEVELS) {
    const result = await measure(contestant, { ...workload, connections, secondsMax: seconds });
    const { requests, failed, p50Ms, p99Ms } = result;
    rows.push({
      server,
      connections,
      requests,
      failed,
      requestsPerSecond: requests / result.seconds,
      cpuMicrosPerRequest: result.cpuMicros / requests,
      p50Ms,
      p99Ms,
    });
  }
  return rows;
}

async function measureStreams(
  server: ContestantName,
  contestant: Contestant,
  { streamRepeats }: Effort,
): Promise<StreamRow> {
  const { port, secret } = contestant;
  const workload = { port, secret, stream: true, secondsMax: 60 };
  await measure(contestant, { ...workload, connections: 64, requestsMax: 128 });
  const results: Measurement[] = [];
  for (let repeat = 0; repeat < streamRepeats; repeat += 1) {
    results.push(await measure(contestant, { ...workload, connections: STREAMS, requestsMax: STREAMS }));
  }
  const cpuMicros = results.reduce((sum, result) => sum + result.cpuMicros, 0);
  return {
    server,
    streams: STREAMS,
    broken: results.reduce((sum, { failed }) => sum + failed, 0),
    cpuMicrosPerChunk: cpuMicros / (streamRepeats * STREAMS * CHUNKS_PER_STREAM),
    peakMb: Math.max(...results.map(({ peakMb }) => peakMb)),
    firstEventP50Ms: Math.max(...results.map(({ p50Ms }) => p50Ms)),
    firstEventP99Ms: Math.max(...results.map(({ p99Ms }) => p99Ms)),
  };
}
