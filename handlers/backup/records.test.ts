import { expect, test } from 'vitest';
import { checkedBody, withChecksum } from './checked-text.ts';
import { readRecord, recordLine } from './records.ts';

const HEAD = { lineage: { id: 'a'.repeat(32), parent: null }, claim: 'c', claimedAt: 1 };

test('a text comes back with its checksum, in any language', async () => {
  const { bytes, sha256 } = await withChecksum('一行\n{"sha256":"not the last"}\n');
  expect(await checkedBody(bytes, 'x')).toEqual({ body: '一行\n{"sha256":"not the last"}\n', sha256 });
  expect(sha256).toMatch(/^[0-9a-f]{64}$/);
});

test('whichever bit is flipped, wherever it is cut: it is refused by its name', async () => {
  const { bytes } = await withChecksum('one line\n');
  for (let at = 0; at < bytes.length; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const flipped = Uint8Array.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
      await expect(checkedBody(flipped, 'some/name'), `${at}.${bit}`).rejects.toThrow(/^some\/name /);
    }
    await expect(checkedBody(bytes.subarray(0, at), 'some/name')).rejects.toThrow(
      /^some\/name has no checksum/,
    );
  }
});

test('a record is JSON that a person reads, and comes back as it was', () => {
  const line = recordLine('head', HEAD);
  expect(JSON.parse(line)).toEqual({
    quota_proxy: 'head',
    lineage: { id: 'a'.repeat(32), parent: null },
    claim: 'c',
    claimed_at: 1,
  });
  expect(readRecord('head', line, 'x')).toEqual(HEAD);
});

test.each([
  {
    name: 'another kind',
    line: recordLine('head', HEAD).replace('"head"', '"head2"'),
    says: /is no head that this version knows/,
  },
  { name: 'no JSON', line: 'hello', says: /is not JSON/ },
  { name: 'a member less', line: '{"quota_proxy":"head"}', says: /is no head of this version: lineage/ },
  {
    name: 'a lineage that is a path',
    line: recordLine('head', HEAD).replace('a'.repeat(32), '../../x'),
    says: /lineage\.id/,
  },
])('$name is refused by name', ({ line, says }) => {
  expect(() => readRecord('head', line, 'lineage.json')).toThrow(says);
  expect(() => readRecord('head', line, 'lineage.json')).toThrow(/^lineage\.json /);
});
