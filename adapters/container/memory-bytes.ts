import { totalmem } from 'node:os';

/** The memory of the machine, or as much of it as the container may use. */
export function memoryBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}
