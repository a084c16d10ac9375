import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { RunningServer } from './child.ts';
import { start } from './child.ts';
import type { LoadResult, Workload } from './workload.ts';

export interface Measurement extends LoadResult {
  /** CPU that the operating system charged to the server, all its threads, from before to after the run. */
  readonly cpuMicros: number;
  /** The most memory that the process has held since its start (VmHWM). */
  readonly peakMb: number;
}

/** Runs a workload against a server. */
export async function measure(server: RunningServer, workload: Workload): Promise<Measurement> {
  const before = cpuMicros(server.pid);
  const result = await runLoad(workload);
  return { ...result, cpuMicros: cpuMicros(server.pid) - before, peakMb: peakMb(server.pid) };
}

async function runLoad(workload: Workload): Promise<LoadResult> {
  const args = [`${import.meta.dirname}/load.ts`, JSON.stringify(workload)];
  const child = start({ command: process.execPath, args, core: 'load' });
  const exited = once(child, 'exit');
  const output = child.stdout === null ? '' : await text(child.stdout);
  await exited;
  if (child.exitCode !== 0) throw new Error(`the load generator exited with ${child.exitCode}`);
  return JSON.parse(output);
}

/** utime and stime of proc_pid_stat(5), of all threads: fields 14 and 15, counted after the name in brackets. */
function cpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1e6;
}

/** The most memory that a process has held since its start, in megabytes. */
export function peakMb(pid: number): number {
  const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kilobytes) / 1024;
}

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
