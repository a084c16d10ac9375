import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

/** The memory of the machine, or as much of it as the container may use. */
export function memoryBytes(): number {
  const limit = hardLimitBytes() ?? process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

/**
 * The limit of a container under version 1 of control groups, if there is one. Node would take the reservation for it,
 * which is the soft limit there, wherever that is lower: as in docker-compose.yml.
 */
function hardLimitBytes(): number | undefined {
  try {
    const limit = Number(readFileSync('/sys/fs/cgroup/memory/memory.limit_in_bytes', 'utf8'));
    return limit < totalmem() ? limit : undefined;
  } catch {
    return undefined;
  }
}
