/** What a container may do, seen from inside. */
export interface Confinement {
  /** User and group of its first process. */
  readonly user: string;
  /** The five sets of capabilities, those that could still be got included: distinct values, in hex. */
  readonly capabilities: readonly string[];
  /** Whether a setuid program gives no rights. */
  readonly noNewPrivileges: boolean;
  /** Whether system calls are filtered. */
  readonly filtered: boolean;
  readonly memoryBytesMax: string;
  readonly threadsMax: string;
  /** Of `/`, `/app`, `/data` and `/tmp`: where files can be made. */
  readonly writable: readonly string[];
}

/** Looks, with a shell of the container's own: cgroups of both versions are in other places. */
export const LOOK = `
grep -E '^(Uid|Gid|Cap...|NoNewPrivs|Seccomp):' /proc/1/status
echo "Memory: $(cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null)"
echo "Threads: $(cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null)"
for folder in / /app /data /tmp; do
  if touch "$folder/written" 2>/dev/null && rm "$folder/written"; then echo "Writable: $folder"; fi
done
`;

/** Reads what `LOOK` printed. */
export function confinementIn(said: string): Confinement {
  const lines = said
    .trim()
    .split('\n')
    .map((line) => line.split(/:\s+/));
  const all = (name: RegExp) =>
    lines.filter(([key = '']) => name.test(key)).map(([, value = '']) => value.split('\t')[0] ?? '');
  const one = (name: RegExp) => all(name)[0] ?? '';
  return {
    user: `${one(/^Uid$/)}:${one(/^Gid$/)}`,
    capabilities: [...new Set(all(/^Cap/))],
    noNewPrivileges: one(/^NoNewPrivs$/) === '1',
    filtered: one(/^Seccomp$/) === '2',
    memoryBytesMax: one(/^Memory$/),
    threadsMax: one(/^Threads$/),
    writable: all(/^Writable$/),
  };
}
