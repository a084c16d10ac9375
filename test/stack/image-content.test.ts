import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import manifest from '#package.json' with { type: 'json' };
import { describeStack, REPOSITORY } from './docker.ts';
import { docker } from './docker-command.ts';

const IMAGE = 'quota-proxy-test:content';
const BASE = 'node:26-trixie-slim';
const LABEL = 'org.opencontainers.image';

/** Not as large as it would have to be for a forgotten cache or a source map to go unnoticed. */
const ADDED_BYTES_MAX = 9_000_000;

describeStack('the image, as a plain docker build makes it', () => {
  beforeAll(async () => {
    const { code, stderr } = await docker({}, 'build', '--quiet', '--tag', IMAGE, '.');
    expect(code, stderr).toBe(0);
  });

  afterAll(async () => {
    await docker({}, 'image', 'rm', IMAGE);
  });

  test('its labels say what it is, of which version, and on which base', async () => {
    const { Config } = await inspected(IMAGE);
    expect(Config.Labels).toEqual({
      [`${LABEL}.title`]: manifest.name,
      [`${LABEL}.description`]: manifest.description,
      [`${LABEL}.version`]: manifest.version,
      [`${LABEL}.licenses`]: manifest.license,
      [`${LABEL}.base.name`]: BASE,
    });
    expect(await printedBy('quota-proxy', 'version')).toBe(`${manifest.version}\n`);
  });

  test('with another version than that of package.json there is none', async () => {
    const { code, stderr } = await docker({}, 'build', '--build-arg', 'VERSION=9.9.9', '.');
    expect(code).not.toBe(0);
    expect(stderr).toContain('VERSION is 9.9.9, and package.json says otherwise');
  });

  test('program, bill of materials and licences are those of npm run build, to the byte', async () => {
    const built = mkdtempSync(join(tmpdir(), 'image-content-'));
    onTestFinished(() => rmSync(built, { recursive: true }));
    execFileSync(process.execPath, ['build.mjs', built], { cwd: REPOSITORY, stdio: 'pipe' });
    const names = ['quota-proxy.mjs', 'linux-x64.node', 'sbom.cdx.json', 'THIRD-PARTY-NOTICES.txt'];
    const more = ['LICENSE', 'compiled'];
    expect((await printedBy('ls', '/app')).trim().split('\n').sort()).toEqual([...names, ...more].sort());
    const sums = execFileSync('sha256sum', names, { cwd: built, encoding: 'utf8' });
    expect(await printedBy('sh', '-c', `cd /app && sha256sum ${names.join(' ')}`)).toBe(sums);
    expect(await printedBy('cat', '/app/LICENSE')).toBe(readFileSync(join(REPOSITORY, 'LICENSE'), 'utf8'));
  });

  test('it is hardly larger than its base, as the page says', async () => {
    const added = (await inspected(IMAGE)).Size - (await inspected(BASE)).Size;
    expect(added).toBeLessThan(ADDED_BYTES_MAX);
    const page = readFileSync(join(REPOSITORY, 'docs/security.md'), 'utf8');
    const [, stated] = /(\d+) MB are\s+the program/.exec(page) ?? [];
    expect(Math.round(added / 1_000_000)).toBe(Number(stated));
  });
});

async function printedBy(...command: string[]): Promise<string> {
  const { code, stdout, stderr } = await docker({}, 'run', '--rm', IMAGE, ...command);
  expect(code, stderr).toBe(0);
  return stdout;
}

async function inspected(image: string) {
  const { stdout } = await docker({}, 'image', 'inspect', image);
  return JSON.parse(stdout)[0];
}
