import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { patternOf } from '#test/faults/known-messages.ts';
import type { Confinement } from './confinement.ts';
import { confinementIn, LOOK } from './confinement.ts';
import { ADMIN_TOKEN, describeStack, REPOSITORY } from './docker.ts';
import type { Ran } from './docker-command.ts';
import { docker } from './docker-command.ts';

const IMAGE = 'quota-proxy-test:confinement';
const PROJECT = 'quota-proxy-test-confinement';
const NONE = '0000000000000000';
const ENV = {
  ADMIN_TOKEN,
  UPSTREAM_BASE_URL: 'http://127.0.0.1:9/v1',
  UPSTREAM_API_KEY: 'sk-upstream-key-of-the-stack',
};

describeStack(
  'S14: a container of docker-compose.yml is confined as the file says, whoever it runs as',
  () => {
    let folder: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'confinement-'));
      await writeFile(join(folder, 'override.yml'), overrideOf({ user: '1000:1000' }));
      expect(await compose('build')).toMatchObject({ code: 0 });
    });

    afterEach(async () => {
      expect(await compose('down', '--volumes', '--timeout', '5')).toMatchObject({ code: 0 });
    });

    afterAll(async () => {
      // What is in the folder belongs to others by now.
      await asRoot('chown', '-R', `${process.getuid?.()}`, '/given');
      await docker({}, 'image', 'rm', IMAGE);
      await rm(folder, { recursive: true });
    });

    test.each([
      { name: 'the user of the file, on a new volume', user: '1000:1000', on: 'volume' },
      { name: 'any user of the group root, on a new volume', user: '12345:0', on: 'volume' },
      { name: 'any user and group, on a new volume', user: '54321:54321', on: 'volume' },
      { name: 'any user and group, in a folder of its own', user: '54321:54321', on: 'folder' },
    ])('$name', async ({ user, on }) => {
      const data = join(folder, 'data');
      if (on === 'folder')
        await asRoot('install', '-d', '-m', '700', '-o', '54321', '-g', '54321', '/given/data');
      await writeFile(join(folder, 'override.yml'), overrideOf({ user, ...(on === 'folder' && { data }) }));
      const { code, stderr } = await compose('up', '--detach', '--wait');
      expect(code, stderr).toBe(0);
      const look = await inside('sh', '-c', LOOK);
      expect(confinementIn(look.stdout)).toEqual(confined(user));
      expect((await inside('quota-proxy', 'keys', 'create', '--label', 'S14')).stdout).toMatch(
        /^key +sk-\w+$/m,
      );
      expect(await inside('quota-proxy', 'doctor')).toMatchObject({ code: 0 });
      expect((await inside('sqlite3', '/data/quota.db', 'SELECT label FROM keys')).stdout).toBe('S14\n');
      // None of the programs that would make a user root does.
      expect(await inside('sh', '-c', 'echo | su --command true')).not.toMatchObject({ code: 0 });
    });

    test('in a folder of somebody else it does not start, and says what to do', async () => {
      await asRoot('install', '-d', '-m', '755', '-o', '0', '-g', '0', '/given/foreign');
      const data = join(folder, 'foreign');
      await writeFile(join(folder, 'override.yml'), overrideOf({ user: '54321:54321', data }));
      const { code, stderr } = await compose('run', '--rm', 'quota-proxy');
      expect(code).not.toBe(0);
      expect(stderr).toMatch(patternOf('unwritableDirectory'));
    });

    test('the control: without what the file says, the same look finds something else in every respect', async () => {
      const free = [
        '--rm',
        '--user',
        '0:0',
        '--security-opt',
        'seccomp=unconfined',
        '--tmpfs',
        '/data:mode=555',
      ];
      const { stdout } = await docker({}, 'run', ...free, IMAGE, 'sh', '-c', LOOK);
      const found = confinementIn(stdout);
      const asWritten = confined('1000:1000');
      for (const name of Object.keys(asWritten) as (keyof Confinement)[])
        expect(found[name], name).not.toEqual(asWritten[name]);
    });

    function confined(user: string): Confinement {
      return {
        user,
        capabilities: [NONE],
        noNewPrivileges: true,
        filtered: true,
        memoryBytesMax: String(256 * 1024 * 1024),
        threadsMax: '256',
        writable: ['/data', '/tmp'],
      };
    }

    function asRoot(...command: string[]): Promise<Ran> {
      const as = ['--rm', '--user', '0:0', '--volume', `${folder}:/given`, '--entrypoint', ''];
      return docker({}, 'run', ...as, IMAGE, ...command);
    }

    function inside(...command: string[]): Promise<Ran> {
      return compose('exec', '-T', 'quota-proxy', ...command);
    }

    /** The real file; what is overridden is the user, where data are, and what a shared machine asks for. */
    function compose(...args: string[]): Promise<Ran> {
      const files = [
        '--file',
        join(REPOSITORY, 'docker-compose.yml'),
        '--file',
        join(folder, 'override.yml'),
      ];
      const project = ['--project-name', PROJECT, '--env-file', '/dev/null'];
      return docker(ENV, 'compose', ...project, ...files, ...args);
    }
  },
);

function overrideOf({ user, data }: { readonly user: string; readonly data?: string }): string {
  return `
services:
  quota-proxy:
    image: ${IMAGE}
    user: "${user}"
    ports: !reset []
${data === undefined ? '' : `    volumes: !override ["${data}:/data"]`}
`;
}
