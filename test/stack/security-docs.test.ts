import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeDocumented } from './describe-documented.ts';
import type { DocumentedDeployment } from './documented-deployment.ts';
import { startDocumented } from './documented-deployment.ts';

const STATUS = 'http://127.0.0.1:8787/admin/status';

/** In the order of the page: each test goes on where the one before it ended. */
describeDocumented('the commands of docs/security.md, as printed', () => {
  let deployment: DocumentedDeployment;

  const block = (word: string) => deployment.block(word);
  const run = (script: string) => deployment.run(script);

  beforeAll(async () => {
    deployment = await startDocumented('docs/security.md', { UPSTREAM_CHECK: 'false' });
  });

  afterAll(() => deployment?.remove());

  test('.env is its owner’s alone', async () => {
    await run('chmod 644 .env');
    expect(await run(block('protect'))).toBe('600 .env\n');
  });

  test('the container is as hardened as the page says', async () => {
    const said = await run(block('hardening'));
    expect(said).toMatch(/^Uid:\t1000\t/m);
    expect(said).toMatch(/^CapEff:\t0{16}$/m);
    expect(said).toMatch(/^CapBnd:\t0{16}$/m);
    expect(said).toMatch(/^NoNewPrivs:\t1$/m);
    expect(said).toMatch(/^Seccomp:\t[02]$/m);
    expect(said).toMatch(/cannot create [^\n]+\n[\s\S]*The program cannot be changed\n$/);
  });

  test('the bill of materials and the licences come out of the image', async () => {
    expect(await run(block('bill'))).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(JSON.parse(await deployment.read('sbom.cdx.json')).bomFormat).toBe('CycloneDX');
    expect(await deployment.read('THIRD-PARTY-NOTICES.txt')).toContain('undici');
  });

  test('the admin’s token is changed, and until the old one is retired both are good', async () => {
    const [old = ''] = await tokens();
    await run(block('rotate'));
    const [fresh = '', second] = await tokens();
    expect(second).toBe(old);
    expect(fresh).not.toBe(old);
    expect([await statusWith(fresh), await statusWith(old)]).toEqual([200, 200]);
    await run(block('retire'));
    expect(await tokens()).toEqual([fresh]);
    expect([await statusWith(fresh), await statusWith(old)]).toEqual([200, 401]);
    expect(await run('stat -c %a .env')).toBe('600\n');
    // Other lines are as they were: the server would not start without the upstream's.
    expect(await deployment.read('.env')).toMatch(/^UPSTREAM_API_KEY=sk-of-the-sponsor-0123456789$/m);
  });

  test('nothing on the page was left out', () => {
    expect(deployment.leftOut()).toEqual([]);
  });

  async function tokens(): Promise<string[]> {
    return /^ADMIN_TOKEN=(.*)$/m.exec(await deployment.read('.env'))?.[1]?.split(',') ?? [];
  }
});

async function statusWith(token: string): Promise<number> {
  return (await fetch(STATUS, { headers: { authorization: `Bearer ${token}` } })).status;
}
