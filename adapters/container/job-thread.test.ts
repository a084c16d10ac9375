import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { SealBroken } from '#core/sealer.ts';
import { CopyBroken } from '#core/snapshot.ts';
import { jobRunner } from './job-thread.ts';

const runJob = jobRunner({ givesWay: true });
const folder = mkdtempSync(join(tmpdir(), 'jobs-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a job runs in another thread, and this one goes on meanwhile', async () => {
  const [plain, sealed, opened] = ['plain', 'sealed', 'opened'].map((name) => join(folder, name));
  writeFileSync(plain ?? '', 'x'.repeat(5_000_000));
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 1);
  const { plain: read } = await runJob('sealFile', plain ?? '', sealed ?? '', null);
  const found = await runJob('openFile', sealed ?? '', opened ?? '', null, 5_000_000);
  clearInterval(timer);
  expect(found).toMatchObject({ bytes: 5_000_000, sha256: read.sha256 });
  expect(turns).toBeGreaterThan(10);
});

test('what a job throws is thrown here, as what it is', async () => {
  const path = join(folder, 'text');
  writeFileSync(path, 'neither a database nor sealed');
  await expect(runJob('describeCopy', path)).rejects.toBeInstanceOf(CopyBroken);
  await expect(runJob('openFile', path, join(folder, 'out'), null, 10)).rejects.toBeInstanceOf(SealBroken);
  await expect(runJob('copyDatabase', join(folder, 'none'), join(folder, 'copy'))).rejects.toThrow(/none/);
});
