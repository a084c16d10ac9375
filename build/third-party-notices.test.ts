import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { thirdPartyNotices } from './third-party-notices.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'notices-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
});

test('each text is there once, below all that it came with; who came without one is listed by what it declares', () => {
  const packages = [
    packageWith('one', { 'LICENSE.md': 'The text.\r\n' }),
    packageWith('two', { license: '\nThe text.', 'NOTICE.txt': 'Made by Two.' }),
    packageWith('three', { 'licenses.js': 'no licence' }),
  ];
  const notices = thirdPartyNotices(root, packages, '3.1.2');
  expect(notices).toContain('  one 1.0.0: MIT\n  two 1.0.0: MIT\n  three 1.0.0: MIT\n  SQLite 3.1.2, in');
  expect(notices.split('The texts that came with them:')[1]).toBe(
    `\n\n${LINE}\none 1.0.0\ntwo 1.0.0\n\nThe text.\n\n${LINE}\ntwo 1.0.0\n\nMade by Two.\n`,
  );
});

const LINE = '─'.repeat(80);

function packageWith(name: string, files: Readonly<Record<string, string>>) {
  const folder = join('node_modules', name);
  mkdirSync(join(root, folder), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(root, folder, file), text);
  return { folder, name, version: '1.0.0', licence: 'MIT', integrity: 'sha512-', imports: [] };
}
