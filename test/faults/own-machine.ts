import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'vitest';

/** For tests that change what a process finds around it: only root may. CI is root, and must not pass by leaving these out. */
export const testAsRoot = test.skipIf(process.getuid?.() !== 0 && process.env['CI'] !== 'true');

/** Starts what follows as root, and like everybody else: what a file's mode says holds for it, too. */
export const WITHOUT_RIGHTS = [
  'setpriv',
  '--bounding-set=-dac_override,-dac_read_search,-net_bind_service',
] as const;

/** Starts what follows where low ports are root's: in many containers they are everybody's. */
export const WITH_LOW_PORTS = ['unshare', '--net', 'sh', '-c', 'exec "$@"', 'sh'] as const;

/** Starts what follows with a mount table that says that `directory` is on a file system of this type. */
export function withMountTable(directory: string, type: string): readonly string[] {
  const table = `36 35 0:31 / ${directory} rw - ${type} none rw\n`;
  const script =
    'printf %s "$1" > "$2" && mount --bind "$2" "/proc/$$/mountinfo" && rm "$2" && shift 2 && exec "$@"';
  return [
    'unshare',
    '--mount',
    'sh',
    '-c',
    script,
    'sh',
    table,
    join(directory, '..', 'mountinfo-of-the-test'),
  ];
}

/** Puts an empty file system of its own there, and gives back what takes it away. */
export function mountMemory(directory: string, options: string): () => void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'none', directory]);
  return () => void execFileSync('umount', ['--lazy', directory]);
}
