/**
 * Work that reads or writes whole databases and holds its thread meanwhile, for `jobRunner`. Arguments and results can be
 * posted to another thread. Each part is loaded by the job that needs it.
 */
export const jobs = {
  async copyDatabase(storePath: string, path: string) {
    const { copyDatabase } = await import('#adapters/sqlite/copy-database.ts');
    return copyDatabase(storePath, path);
  },
  async checkCopy(path: string) {
    const { checkCopy } = await import('#adapters/sqlite/inspect-copy.ts');
    checkCopy(path);
  },
  async describeCopy(path: string) {
    const { describeCopy } = await import('#adapters/sqlite/inspect-copy.ts');
    return describeCopy(path);
  },
  async replayRows(path: string, rowsPath: string, timeZone: string) {
    const { replayRows } = await import('#adapters/sqlite/replay-rows.ts');
    return replayRows(path, rowsPath, timeZone);
  },
  async auditCopy(path: string) {
    const { auditCopy } = await import('#adapters/sqlite/audit-copy.ts');
    return auditCopy(path);
  },
  async sealFile(from: string, to: string, recipient: string | null) {
    const { sealFile } = await import('#adapters/age/seal.ts');
    return sealFile(from, to, recipient);
  },
  async openFile(from: string, to: string, identity: string | null, bytesMax: number) {
    const { openFile } = await import('#adapters/age/unseal.ts');
    return openFile(from, to, identity, bytesMax);
  },
};

export type Jobs = typeof jobs;

/** Requests go first: lets this thread run when nobody else wants to. */
export async function giveWay(): Promise<void> {
  const { lowerThreadPriority } = await import('#adapters/system/low-priority.ts');
  lowerThreadPriority();
}
