import { dirname } from 'node:path';

/** One thing that a process did to the files of a directory, or said to whoever started it. */
export type DiskStep =
  | { readonly does: 'create' | 'unlink' | 'sync'; readonly path: string }
  | { readonly does: 'write'; readonly path: string; readonly at: number; readonly bytes: Buffer }
  | { readonly does: 'truncate'; readonly path: string; readonly size: number }
  | { readonly does: 'say'; readonly text: string };

/** What strace is to be asked for, so that `diskStepsOf` can read it. */
export const STRACE_DISK = [
  ...['strace', '-f', '--seccomp-bpf', '-y', '-xx', '-s', '70000'],
  ...['-e', 'trace=openat,write,pwrite64,ftruncate,unlink,fsync,fdatasync'],
] as const;

/** Any other call by which such a file could be changed would have to be read, too. */
export const OTHER_WRITES =
  /^\d+ +(pwritev2?|writev|rename\w*|link\w*|fallocate|truncate|copy_file_range)\(/m;

/** Reads what strace wrote: what succeeded on files in `directory`, and what was said on standard output, in order. */
export function diskStepsOf(trace: string, directory: string): readonly DiskStep[] {
  return trace.split('\n').flatMap((line): DiskStep[] => {
    const [, call = '', args = '', result = ''] = /^\d+ +(\w+)\((.*)\) += (-?\d+)/.exec(line) ?? [];
    if (call === '' || result.startsWith('-')) return [];
    if (call === 'write')
      return args.startsWith('1<') ? [{ does: 'say', text: bytesIn(args).toString() }] : [];
    const path = call === 'openat' || call === 'unlink' ? bytesIn(args).toString() : fileIn(args);
    if (path !== directory && dirname(path) !== directory) return [];
    // Memory that processes share: nobody expects to find it after power loss.
    if (path.endsWith('-shm')) return [];
    const [, last = ''] = /, (\d+)$/.exec(args) ?? [];
    switch (call) {
      case 'openat':
        return args.includes('O_CREAT') ? [{ does: 'create', path }] : [];
      case 'unlink':
        return [{ does: 'unlink', path }];
      case 'ftruncate':
        return [{ does: 'truncate', path, size: Number(last) }];
      case 'pwrite64':
        return [{ does: 'write', path, at: Number(last), bytes: bytesIn(args).subarray(0, Number(result)) }];
      default:
        return [{ does: 'sync', path }];
    }
  });
}

/** What is between quotes, all of it in the form \\x53. */
function bytesIn(args: string): Buffer {
  const [, hex = ''] = /"((?:\\x[0-9a-f]{2})*)"/.exec(args) ?? [];
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex');
}

/** The file behind a descriptor: 27<\\x2f…>. */
function fileIn(args: string): string {
  const [, hex = ''] = /^\d+<((?:\\x[0-9a-f]{2})*)>/.exec(args) ?? [];
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex').toString();
}
