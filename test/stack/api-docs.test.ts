import { afterAll, beforeAll, expect, test } from 'vitest';
import type * as z from 'zod';
import { contract } from '#handlers/admin/contract.ts';
import { ANSWER, BILLED } from './aimock.ts';
import { describeDocumented } from './describe-documented.ts';
import type { DocumentedDeployment } from './documented-deployment.ts';
import { startDocumented } from './documented-deployment.ts';
import type { Given } from './printed-commands.ts';

/** In the order of the page: each test goes on where the one before it ended. */
describeDocumented('the commands of docs/api.md, as printed', () => {
  let deployment: DocumentedDeployment;
  /** What the page asks for with `export`. */
  const given: Record<string, string> = {};

  const block = (word: string) => deployment.block(word);
  const run = (script: string, more: Given = {}) => deployment.run(script, { ...given, ...more });

  async function answer<S extends z.ZodObject>(script: string, schema: S): Promise<z.output<S>> {
    const value = JSON.parse(await run(script));
    expect(schema.parse(value)).toEqual(value);
    return schema.parse(value);
  }

  beforeAll(async () => {
    deployment = await startDocumented('docs/api.md', { BACKUP_TARGET: 'file:///backups' });
    given['KEY'] = deployment.key;
  });

  afterAll(() => deployment?.remove());

  test('credentials are kept in files of their owner', async () => {
    await run(block('token') + block('key'));
    expect(await run('stat -c %a admin.header key.header')).toBe('600\n600\n');
  });

  test('with a key: an answer, a stream, the models, and what is left', async () => {
    const { choices, usage } = JSON.parse(await run(block('chat')));
    expect(choices[0].message.content).toBe(ANSWER);
    expect(usage).toMatchObject(BILLED);
    const events = (await run(block('stream'))).split('\n').filter((line) => line !== '');
    expect(events.length).toBeGreaterThan(2);
    expect(events.at(-1)).toBe('data: [DONE]');
    expect(JSON.parse(await run(block('models'))).data).not.toEqual([]);
    const { label, quotas } = JSON.parse(await run(block('quota')));
    expect({ label, used: quotas[0].used }).toEqual({ label: 'Ada', used: 2 });
  });

  test('keys are made, found, shown and changed', async () => {
    const { keys } = contract;
    const made = await answer(block('create'), keys.create.reply);
    expect(made.quotas).toMatchObject([{ meter: 'requests', period: 'day', limit: 50 }]);
    const once = await answer(block('once'), keys.create.reply);
    expect(await answer(block('once'), keys.create.reply)).toEqual(once);
    const { items } = await answer(block('list'), keys.list.reply);
    expect(items.map(({ id }) => id)).toContain(made.id);
    // The one that has been used.
    given['ID'] = items.at(-1)?.id ?? '';
    expect(await answer(block('get'), keys.get.reply)).toMatchObject({ id: given['ID'], label: 'Ada' });
    expect(await answer(block('patch'), keys.patch.reply)).toMatchObject({
      label: 'Ada L.',
      expires_at: null,
      quotas: [{ limit: 100, used: 2 }],
    });
  });

  test('a key gets a new secret, and the old one works for another day', async () => {
    const rotated = await answer(block('rotate'), contract.keys.rotate.reply);
    expect(rotated).toMatchObject({ id: given['ID'], label: 'Ada L.', quotas: [{ used: 2 }] });
    expect(rotated.previous_key?.ends_at).toBeGreaterThan(rotated.created_at);
    expect(JSON.parse(await run(block('quota')))).toMatchObject({ id: given['ID'] });
  });

  test('what would become of keys of another system is told', async () => {
    expect(await answer(block('import'), contract.keys.import.reply)).toMatchObject({
      outcomes: [{ key: 'trial_…a8c3', status: 'importable' }],
    });
  });

  test('usage is reported, as a file too, and starts anew', async () => {
    const report = await answer(block('usage'), contract.usage.read.reply);
    expect(report.totals).toMatchObject({ req_count: 2, prompt_tokens: 2 * BILLED.prompt_tokens });
    expect(await deployment.read('usage.csv')).toContain(',Ada L.,,2,2,0,');
    expect(await answer(block('reset'), contract.usage.reset.reply)).toEqual({ ok: true, keys: 1 });
    expect((await answer(block('get'), contract.keys.get.reply)).quotas).toMatchObject([{ used: 0 }]);
  });

  test('each request has its receipt', async () => {
    const [receipt] = (await answer(block('receipts'), contract.requests.list.reply)).items;
    given['REQUEST'] = receipt?.id ?? '';
    expect(await answer(block('receipt'), contract.requests.get.reply)).toEqual(receipt);
    expect(receipt).toMatchObject({ stream: true, status: 'settled', used: { tokens: BILLED.total_tokens } });
  });

  test('the sponsor sets what all keys may use', async () => {
    const { sponsor } = contract;
    expect(await answer(block('cap'), sponsor.put.reply)).toMatchObject({
      quotas: [{ limit: 10_000, used: 2 }],
    });
    expect(await answer(block('sponsor'), sponsor.get.reply)).toMatchObject({ quotas: [{ limit: 10_000 }] });
  });

  test('a backup is made, listed, and restored in a drill', async () => {
    const { backups } = contract;
    const made = await answer(block('backup'), backups.create.reply);
    given['BACKUP'] = made.id;
    const { items } = await answer(block('backups'), backups.list.reply);
    expect(items.map(({ id }) => id)).toContain(made.id);
    expect(await answer(block('drill'), backups.drill.reply)).toMatchObject({ id: made.id, ok: true });
  });

  test('a key is deleted, and what was done is in the log, which is whole', async () => {
    const { operations, keys } = contract;
    expect(await answer(block('delete'), keys.delete.reply)).toMatchObject({ ok: true, id: given['ID'] });
    const [last] = (await answer(block('operations'), operations.list.reply)).items;
    expect(last).toMatchObject({ action: 'keys.create', target: expect.any(String) });
    expect(await answer(block('verify'), operations.verify.reply)).toMatchObject({ ok: true });
  });

  test('it says how it is', async () => {
    expect(await answer(block('status'), contract.status.get.reply)).toMatchObject({ keys: 3 });
    const said = await run(block('health'));
    expect(said).toContain('quota_proxy_build_info{');
    expect(said).toMatch(/\{"ok":true\}$/);
  });

  test('nothing on the page was left out', () => {
    expect(deployment.leftOut()).toEqual([]);
  });
});
