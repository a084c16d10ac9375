import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { secretsUnder } from '#adapters/system/secrets-under.ts';
import { keyNumber } from '#test/conformance/specimens.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { useBackups } from '#test/fakes/backups.ts';
import { readDatabase } from '#test/faults/ledger-file.ts';
import { bytesOfFolder, tracesOf } from './secret-traces.ts';

const { open } = useBackups();
const SECRET = 'sk-5nP2vXq8LmRt4KwYc7HzJd9FbGs3TeVa6UoQiN0x';
const KEY = '8e03978e-40d5-43e8-bc93-6894a57f9324';

test('an answer that shows a key is in the database and in its backups, and neither shows the key', async () => {
  const it = await open();
  const secrets = secretsUnder(new TextEncoder().encode('a-pepper-of-the-tests'));
  const keep = (digest: string, sealed: string) =>
    it.store.replies.record({
      changes: [{ kind: 'add_key', key: keyNumber(Number(digest[0])), operation: null }],
      version: null,
      reply: { digest, request: digest, at: NOON, sealed },
    });
  await keep('1'.repeat(64), secrets.seal(JSON.stringify({ key: SECRET }), KEY));
  await it.backups.backUp(NOON);
  const { file } = await it.restore();
  const sealed = readDatabase(file, (database) =>
    database.prepare('SELECT sealed FROM kept_replies').pluck().get(),
  ) as Buffer;
  expect(secrets.unseal(sealed.toString('base64'), KEY)).toContain(SECRET);
  expect(existsSync(it.storePath)).toBe(true);
  expect(tracesOf(SECRET, bytesOfFolder(it.folder), 3)).toEqual([]);
  expect(tracesOf(KEY, bytesOfFolder(it.folder))).toEqual([]);

  // The control: the same answer, kept as it is.
  await keep('2'.repeat(64), btoa(JSON.stringify({ key: SECRET })));
  expect(tracesOf(SECRET, bytesOfFolder(it.folder), 3)).toContain('whole');
});
