import { afterAll, beforeAll, expect, test } from 'vitest';
import { BILLED } from './aimock.ts';
import { describeDocumented } from './describe-documented.ts';
import type { DocumentedDeployment } from './documented-deployment.ts';
import { keyIn, startDocumented } from './documented-deployment.ts';
import type { Given } from './printed-commands.ts';

const CHAT = `curl -s http://127.0.0.1:8787/v1/chat/completions -H @key.header -H "Content-Type: application/json" -i \\
  -d '{"model": "'"$MODEL"'", "messages": [{"role": "user", "content": "Hello"}]}'`;

/** What a request to the documented upstream costs by the page's price table: 19 tokens in, 7 out. */
const COST_MICROS = 9;

/** In the order of the page: each test goes on where the one before it ended. */
describeDocumented('the commands of docs/keys-and-limits.md, as printed', () => {
  let deployment: DocumentedDeployment;
  let ada: string;
  /** What the page asks for in variables. */
  const given: Record<string, string> = {};

  const block = (word: string) => deployment.block(word);
  const run = (script: string, more: Given = {}) => deployment.run(script, { ...given, ...more });
  const chat = (model = 'deepseek-chat') => run(CHAT, { MODEL: model });

  beforeAll(async () => {
    deployment = await startDocumented('docs/keys-and-limits.md');
  });

  afterAll(() => deployment?.remove());

  test('a key is made, found and shown, and works', async () => {
    const said = await run(block('create'));
    expect(said).toMatch(/quotas +0 of 200000 tokens per month, 0 of 50 requests per day/);
    ada = keyIn(said);
    given['ID'] = /^id +(\S+)$/m.exec(said)?.[1] ?? '';
    given['KEY'] = ada;
    expect((await run(block('look'))).match(/ Ada +active /g)).toHaveLength(4);
    // The page has this further down.
    expect(JSON.parse(await run(block('holder')))).toMatchObject({ id: given['ID'], status: 'active' });
    expect(await run('stat -c %a key.header')).toBe('600\n');
    const answer = await chat();
    expect(answer).toContain('HTTP/1.1 200');
    given['REQUEST'] = /^x-request-id: (\S+)$/m.exec(answer.replaceAll('\r', ''))?.[1] ?? '';
  });

  test('it is disabled and enabled again', async () => {
    const statuses = [...(await run(block('one'))).matchAll(/^status +(\w+)$/gm)].map(([, status]) => status);
    expect(statuses).toEqual(['active', 'disabled', 'active']);
    expect(await chat()).toContain('HTTP/1.1 200');
  });

  test('it is changed, and extended', async () => {
    await run(block('token'));
    expect(await run('stat -c %a admin.header')).toBe('600\n');
    const changed = JSON.parse(await run(block('change')));
    expect(changed.quotas).toMatchObject([{ meter: 'requests', period: 'day', limit: 100, used: 2 }]);
    expect(await chat('deepseek-reasoner')).toContain('"model_not_allowed"');
    const inDays = (JSON.parse(await run(block('extend'))).expires_at - Date.now()) / 86_400_000;
    expect(inDays).toBeCloseTo(90, 1);
  });

  test('one that counts tokens has its worst case set aside, and the client is told', async () => {
    const made = JSON.parse(await run(block('make')));
    expect(made.quotas).toMatchObject([{ meter: 'tokens', period: 'day', limit: 20_000 }]);
    await run(block('holder'), { KEY: made.key });
    const bodyBytes = '{"model": "deepseek-chat", "messages": [{"role": "user", "content": "Hello"}]}'.length;
    const answer = await chat();
    expect(answer).toMatch(/^x-quota-max-tokens: 4096\r$/m);
    expect(answer).toMatch(new RegExp(`^x-quota-remaining-tokens: ${20_000 - BILLED.total_tokens}\r$`, 'm'));
    const last = 'curl -s "http://127.0.0.1:8787/admin/requests?limit=1" -H @admin.header';
    expect(JSON.parse(await run(last)).items).toMatchObject([{ reserved: { tokens: 4096 + bodyBytes } }]);
    expect(JSON.parse(await run(block('holder'), { KEY: made.key })).quotas).toMatchObject([
      { used: BILLED.total_tokens, held: 0 },
    ]);
  });

  test('with a price table and a cap, what has no price is refused, and what has one is counted', async () => {
    await run(block('prices'));
    await run(block('holder'));
    await run(block('reload'));
    const logged = () => run('docker compose logs --no-log-prefix -n 5 quota-proxy');
    await expect.poll(logged, { timeout: 20_000 }).toContain('The prices were read again.');
    const { quotas } = JSON.parse(await run(block('cap')));
    expect(quotas).toMatchObject([
      { meter: 'cost', period: 'day', limit: 5_000_000 },
      { meter: 'cost', period: 'month', limit: 100_000_000 },
    ]);
    expect(await chat()).toMatch(/^x-quota-max-tokens: 8192\r$/m);
    const key = JSON.parse(await run(block('make'))).key;
    await run(block('holder'), { KEY: key });
    expect(await chat('gpt-4o')).toContain('"model_not_priced"');
    const sponsor = 'curl -s http://127.0.0.1:8787/admin/sponsor -H @admin.header';
    expect(JSON.parse(await run(sponsor)).quotas).toMatchObject([
      { used: COST_MICROS },
      { used: COST_MICROS },
    ]);
    await run(block('holder'));
  });

  test('usage by model and by key, a file of it, and receipts', async () => {
    const said = await run(block('usage'));
    expect(said).toMatch(/deepseek-chat +4 /);
    expect(said).toMatch(/ Ada +3 /);
    expect(await deployment.read('usage.csv')).toMatch(/^day,id,key,label[\s\S]*,Ada,,3,3,0,1,/);
    const [one = '', list = ''] = (await run(block('receipt'))).split(/(?<=\})(?=\{"items")/);
    expect(JSON.parse(one)).toMatchObject({ id: given['REQUEST'], used: { tokens: BILLED.total_tokens } });
    expect(JSON.parse(list).items).toHaveLength(3);
  });

  test('other limits are tried out on what was recorded', async () => {
    expect(await run(block('whatif'))).toMatch(
      / Ada +3 +1 [\s\S]*1 \(\d+\.\d %\) would have been refused: 1 for a quota\.[\s\S]*2 \(66\.7 %\) would have been refused: 2 for want of a price\./,
    );
  });

  test('a key starts anew, and what admins did is in a log that is whole', async () => {
    expect(JSON.parse(await run(block('reset')))).toEqual({ ok: true, keys: 1 });
    expect(JSON.parse(await run(block('holder'))).quotas).toMatchObject([{ used: 0 }]);
    const [log = '', verified = ''] = (await run(block('log'))).split(/(?<=\})(?=\{"ok")/);
    expect(JSON.parse(log).items[0]).toMatchObject({ action: 'usage.reset', target: given['ID'] });
    expect(JSON.parse(verified)).toMatchObject({ ok: true });
  });

  test('recipe: a key for each name of a list', async () => {
    await deployment.write('names.txt', 'Grace Hopper\n陈“小”明\n');
    await run(block('people'));
    expect(await run('stat -c %a keys.tsv')).toBe('600\n');
    const lines = (await deployment.read('keys.tsv')).trimEnd().split('\n');
    expect(lines.map((line) => line.split('\t')[1])).toEqual(['Grace Hopper', '陈“小”明']);
    await run(block('holder'), { KEY: keyIn(lines[1] ?? '') });
    expect(await chat()).toMatch(/^x-quota-remaining-cost: /m);
  });

  test('recipe: thirty keys of a class, found together', async () => {
    expect((await run(block('class'))).match(/ 7b\/\d+ +active /g)).toHaveLength(30);
    const lines = (await deployment.read('class.tsv')).trimEnd().split('\n');
    expect(new Set(lines.map(keyIn)).size).toBe(30);
  });

  test('recipe: a key that got about is refused, and its holder gets another', async () => {
    const said = await run(block('leaked'));
    await run(`echo "Authorization: Bearer ${ada}" > key.header`);
    expect(await chat()).toContain('"key_disabled"');
    await run(`echo "Authorization: Bearer ${keyIn(said)}" > key.header`);
    expect(await chat()).toContain('HTTP/1.1 200');
  });

  test('recipe: a look with sqlite3, which can change nothing', async () => {
    const script = block('sqlite');
    const said = await run(script);
    expect(said).toMatch(/│ sponsor +│ 6 +│/);
    expect(said).toMatch(/│ settled +│ 26 +│/);
    const changing = script.replace(/SELECT[\s\S]*LIMIT 10/, 'DELETE FROM keys');
    await expect(run(changing)).rejects.toThrow(/readonly database/);
  });

  test('a key is deleted, and what it used stays', async () => {
    expect(await run(block('delete'))).toMatch(/ Ada +deleted/);
    expect(await run(block('usage'))).toMatch(/ Ada +3 /);
  });

  test('nothing on the page was left out', () => {
    expect(deployment.leftOut()).toEqual([]);
  });
});
