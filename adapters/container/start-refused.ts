import { isImpossible } from '#core/clock-jump.ts';
import type { Instant } from '#core/model.ts';

/** This machine, as it is, must not serve. One line, with the way out; nothing was begun. */
class StartRefused extends Error {
  override readonly name = 'StartRefused';
}

/** What a server finds itself in. */
export interface Surroundings {
  readonly now: Instant;
  /** That of the machine, or of the container. */
  readonly memoryBytes: number;
}

const MEGABYTE = 1024 * 1024;

// Idle it is 70 MB resident; a start beside a health check, which is a process of its own, was ended by the kernel at 104 MB, and
// not at 112 MB (docker run --memory).
const MEMORY_BYTES_MIN = 128 * MEGABYTE;

// 512 streams at once peak at about 180 MB (bench/).
const MEMORY_BYTES_ENOUGH = 192 * MEGABYTE;

const RAISE = 'limit (deploy.resources.limits.memory in docker-compose.yml';

/** @throws StartRefused where it would end badly */
export function refuseBadStart({ now, memoryBytes }: Surroundings): void {
  if (isImpossible(now)) {
    throw new StartRefused(
      `the clock says ${new Date(now).toISOString()}: set it (timedatectl set-ntp true), then start again; ` +
        'what is recorded at a wrong time spoils every window after it',
    );
  }
  if (memoryBytes < MEMORY_BYTES_MIN) {
    throw new StartRefused(
      `this process may use ${megabytes(memoryBytes)} MB of memory, and needs ${megabytes(MEMORY_BYTES_MIN)} MB: ` +
        `raise the ${RAISE}, docker run --memory) to 256M`,
    );
  }
}

/** What an operator should know where there is just enough memory. */
export function memoryWarnings(memoryBytes: number): readonly string[] {
  if (memoryBytes >= MEMORY_BYTES_ENOUGH) return [];
  return [
    `This process may use ${megabytes(memoryBytes)} MB of memory: ${megabytes(MEMORY_BYTES_ENOUGH)} MB are enough for a few ` +
      `hundred streams at once. Raise the ${RAISE}) to 256M.`,
  ];
}

function megabytes(bytes: number): number {
  return Math.floor(bytes / MEGABYTE);
}
