import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeIdentity } from '#adapters/age/identity.ts';
import { openSealer } from '#adapters/age/open-sealer.ts';

/** Four frames, of which some are compressed and some are not. */
const PLAIN = Buffer.concat([Buffer.alloc(2_000_000, 'settled '), randomBytes(1_500_000)]);
const KEY = await makeIdentity();

let directory: string;

beforeAll(() => {
  for (const program of ['age', 'age-keygen', 'zstd']) {
    const { error } = spawnSync(program, ['--version']);
    expect(error, `the program ${program} is missing: apt-get install age zstd`).toBeUndefined();
  }
});

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sealed-by-others-'));
  writeFileSync(at('plain'), PLAIN);
  // As age-keygen writes them, with comments.
  writeFileSync(at('key.txt'), `# the key of the backups\n${KEY}\n`);
});

afterEach(() => rmSync(directory, { recursive: true }));

test('the recipient is the one that age-keygen derives, and a key of age-keygen is one', async () => {
  const { recipient } = await openSealer({ identity: KEY });
  expect(shell('age-keygen -y key.txt').toString().trim()).toBe(recipient);
  const [identity = ''] = /^AGE-SECRET-KEY-1\w+$/m.exec(shell('age-keygen').toString()) ?? [];
  await expect(openSealer({ identity })).resolves.toBeDefined();
});

test('age and zstd open what was encrypted here, as a file and as bytes', async () => {
  const sealer = await openSealer({ identity: KEY });
  await sealer.sealFile(at('plain'), at('file.zst.age'));
  expect(shell('age -d -i key.txt file.zst.age | zstd -d').equals(PLAIN)).toBe(true);
  writeFileSync(at('bytes.zst.age'), await sealer.seal(PLAIN));
  expect(shell('age -d -i key.txt bytes.zst.age | zstd -d').equals(PLAIN)).toBe(true);
});

test('zstd opens what was not encrypted, and finds a checksum in each frame', async () => {
  const sealer = await openSealer({ identity: null });
  await sealer.sealFile(at('plain'), at('file.zst'));
  expect(shell('zstd -d -c file.zst').equals(PLAIN)).toBe(true);
  expect(shell('zstd -lv file.zst').toString()).toMatch(/# Zstandard Frames: 4\n(.*\n)*Check: XXH64/);
});

test.each(['zstd', 'zstd -1 -T0', 'zstd -19', 'zstd --no-check', 'zstd --fast', 'zstd --rsyncable -T2'])(
  'what %s made is opened, encrypted by age or not',
  async (zstd) => {
    const sealer = await openSealer({ identity: KEY });
    shell(`${zstd} -q < plain > made.zst && age -r ${sealer.recipient} < made.zst > made.zst.age`);
    for (const name of ['made.zst', 'made.zst.age']) {
      const opened = await sealer.openFile(at(name), at(`${name}.opened`), PLAIN.length);
      expect(readFileSync(opened.path).equals(PLAIN)).toBe(true);
      expect(PLAIN.equals(await sealer.open(readFileSync(at(name)), PLAIN.length))).toBe(true);
    }
  },
);

test('encrypted for several keys, of which ours is the last', async () => {
  const sealer = await openSealer({ identity: KEY });
  const [first, second] = [await openSealer({ identity: await makeIdentity() }), sealer];
  shell(`zstd -q < plain | age -r ${first.recipient} -r ${second.recipient} > made.zst.age`);
  const opened = await sealer.openFile(at('made.zst.age'), at('opened'), PLAIN.length);
  expect(readFileSync(opened.path).equals(PLAIN)).toBe(true);
});

function at(name: string): string {
  return join(directory, name);
}

/** What a line of shell writes; all its programs are to succeed. */
function shell(line: string): Buffer {
  const { status, stdout, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', line], {
    cwd: directory,
    maxBuffer: 2 * PLAIN.length,
  });
  expect(status, `${line}: ${stderr}`).toBe(0);
  return stdout;
}
