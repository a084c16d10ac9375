import { readFileSync } from 'node:fs';

const KIB = 1024;

/** What a process has in memory, now and at its highest, in bytes, as the kernel counts it (proc_pid_status(5)). */
export function residentMemory(pid: number): { readonly nowBytes: number; readonly peakBytes: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * KIB;
  return { nowBytes: bytes('VmRSS'), peakBytes: bytes('VmHWM') };
}
