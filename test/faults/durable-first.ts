const WAL_WRITE = /^(pwrite64|pwritev|write|writev)\(\d+<[^>]*-wal>/;
const WAL_SYNC = /^(fsync|fdatasync)\(\d+<[^>]*-wal>/;
const SYNC_RESUMED = /^<\.\.\. (fsync|fdatasync) resumed>/;
const UPSTREAM_ASKED = /^(write|writev|sendto|sendmsg)\(.*"POST \/v1\/chat\/completions/;
const ANSWER_BEGUN = /^(write|writev|sendto|sendmsg)\(.*"HTTP\/1\.1 200 OK/;

/**
 * Reads what `strace -f -y` wrote of one chat completion: whether all that was written to the write-ahead log
 * was synced before the upstream, and then the client, heard the first byte.
 */
export function isDurableFirst(trace: string): boolean {
  const steps = stepsOf(trace);
  const asked = steps.indexOf('asked');
  const before = steps.slice(0, Math.max(asked, 0));
  const wrote = before.lastIndexOf('wrote');
  return wrote >= 0 && wrote < before.lastIndexOf('synced') && asked < steps.indexOf('answered');
}

type Step = 'wrote' | 'synced' | 'asked' | 'answered' | null;

/** One for each line. A write counts from its beginning, a sync from its success: strace may tell it in two lines. */
function stepsOf(trace: string): readonly Step[] {
  const syncing = new Set<string>();
  return trace.split('\n').map((line) => {
    const [, thread = '', call = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    if (WAL_WRITE.test(call)) return 'wrote';
    if (UPSTREAM_ASKED.test(call)) return 'asked';
    if (ANSWER_BEGUN.test(call)) return 'answered';
    const begins = WAL_SYNC.test(call);
    if (begins) syncing.add(thread);
    const isSync = begins || (SYNC_RESUMED.test(call) && syncing.has(thread));
    if (!isSync || !call.endsWith(' = 0')) return null;
    syncing.delete(thread);
    return 'synced';
  });
}
