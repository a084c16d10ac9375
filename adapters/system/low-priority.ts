import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { basename } from 'node:path';

/**
 * Lets this thread run when nobody else wants to. On Linux a priority is a thread's own (setpriority(2), "C library/kernel
 * differences"); elsewhere nothing is changed, rather than that of the whole process.
 */
export function lowerThreadPriority(): void {
  try {
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), constants.priority.PRIORITY_LOW);
  } catch {
    // Then backups take part in the processor like everybody else.
  }
}
