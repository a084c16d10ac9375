/** A file system, and where it is mounted. */
export interface Mount {
  readonly at: string;
  /** As Linux names it: `ext4`, `nfs4`, `fuse.sshfs`. */
  readonly type: string;
}

/**
 * The file system that `path` is on, by a table as in /proc/self/mountinfo (proc_pid_mountinfo(5)); `undefined` if the
 * table has none. `path` is absolute and without symbolic links.
 */
export function mountedAt(path: string, table: string): Mount | undefined {
  let found: Mount | undefined;
  for (const line of table.split('\n')) {
    // 36 35 98:0 /root /mount/point options, optional fields, a dash, then type, source and more options
    const [fields = '', rest = ''] = line.split(' - ', 2);
    const at = unescaped(fields.split(' ')[4] ?? '');
    const [type = ''] = rest.split(' ');
    // Of two at one place the later covers the earlier.
    if (isBelow(path, at) && at.length >= (found?.at.length ?? 0)) found = { at, type };
  }
  return found;
}

function isBelow(path: string, at: string): boolean {
  return at === '/' || path === at || (at !== '' && path.startsWith(`${at}/`));
}

/** Spaces, tabs, line ends and backslashes are written in octal. */
function unescaped(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
