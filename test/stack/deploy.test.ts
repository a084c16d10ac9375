import { existsSync } from 'node:fs';
import { appendFile, chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Aimock } from './aimock.ts';
import { startAimock } from './aimock.ts';
import { describeStack } from './docker.ts';
import type { Operator, Ran } from './operator.ts';
import { anOperator, hears, onHost, removeDeployment } from './operator.ts';
import type { SeenArguments } from './seen-arguments.ts';
import { watchArguments } from './seen-arguments.ts';

const UPSTREAM_KEY = 'sk-of-the-sponsor-that-nobody-sees';
const QUOTA_PROXY = 'docker compose exec -T quota-proxy quota-proxy';
const NAME = 'deploy-test';
const IMAGE = `${NAME}:latest`;
/** Runs, serves nothing, and ends when it is told to. */
const HANGS = ['sh', '-c', 'trap exit TERM; sleep 600 & wait'];
const COPY = /backups\/quota-\d{8}T\d{6}Z\.db$/m;

/** The life of one deployment, by ssh to a real sshd and on the real engine: each test goes on where the last ended. */
describeStack('scripts/deploy.sh and scripts/verify.sh', () => {
  let upstream: Aimock;
  let operator: Operator;
  let watched: SeenArguments;
  let directory: string;
  let envFile: string;
  let key: string;

  beforeAll(async () => {
    watched = watchArguments();
    [upstream, operator] = await Promise.all([startAimock(), anOperator()]);
    directory = join(operator.folder, NAME);
    envFile = join(operator.folder, 'settings');
    const gateway = await onHost(
      '/',
      `docker network inspect bridge -f '{{(index .IPAM.Config 0).Gateway}}'`,
    );
    await writeFile(
      envFile,
      [
        'ADMIN_TOKEN=',
        `UPSTREAM_API_KEY=${UPSTREAM_KEY}`,
        `UPSTREAM_BASE_URL=http://${gateway.trim()}:${upstream.publishedPort}/v1`,
        `PUBLISHED_PORT=${operator.port}\n`,
      ].join('\n'),
    );
  });

  afterAll(async () => {
    watched?.stop();
    for (const name of [NAME, 'second']) await removeDeployment(name);
    await Promise.all([upstream?.stop(), operator?.stop()]);
  });

  test.each([
    { name: 'no host', args: [], says: /--host is missing/ },
    { name: 'a host that is an option', args: ['--host=-oProxyCommand=id'], says: /is no name of a host/ },
    { name: 'a directory to be quoted', args: ['--local', '--dir', '/opt/a b'], says: /absolute path/ },
    { name: 'the directory above', args: ['--local', '--dir', '/opt/../etc'], says: /absolute path/ },
    { name: 'no time at all', args: ['--local', '--timeout', '0'], says: /--timeout needs seconds/ },
    { name: 'a word too many', args: ['--local', 'now'], says: /now is no option/ },
  ])('deploy.sh with $name is wrong usage', async ({ args, says }) => {
    const { code, stderr } = await operator.start('deploy.sh', args).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/scripts\/deploy.sh --help shows what there is\n$/);
  });

  test.each(['deploy.sh', 'verify.sh', 'backup.sh'])('%s --help says what it does', async (script) => {
    const { code, stdout } = await operator.start(script, ['--help']).ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: scripts/${script} `));
    expect(stdout).toContain('Exit status: 0 ');
  });

  test('a dry run says what would be done, and does nothing', async () => {
    const { code, stdout } = await deploy('--env-file', envFile, '--dry-run');
    expect(code).toBe(0);
    for (const step of ['write .env', 'build the image', 'start release', 'verify'])
      expect(stdout).toContain(step);
    expect(stdout).toMatch(/Nothing was changed\.\n$/);
    expect(existsSync(directory)).toBe(false);
  });

  test('without a key of the upstream nothing is begun', async () => {
    const { code, stderr } = await deploy();
    expect(code).toBe(1);
    expect(stderr).toMatch(/no UPSTREAM_API_KEY for it: export UPSTREAM_API_KEY=…, or use --env-file/);
    expect(existsSync(directory)).toBe(false);
  });

  test('a host whose key is not known is not talked to', async () => {
    const options = [...operator.sshd.optionsOfAStranger, '--dir', directory, '--env-file', envFile];
    const { code, stderr } = await operator.start('deploy.sh', options).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/Host key verification failed[\s\S]*ssh does not get to 127\.0\.0\.1/);
    expect(existsSync(directory)).toBe(false);
  });

  test('a first release that does not start is taken away again, and what may be wrong is said', async () => {
    const short = join(operator.folder, 'short');
    await writeFile(
      short,
      `ADMIN_TOKEN=short\nUPSTREAM_API_KEY=${UPSTREAM_KEY}\nPUBLISHED_PORT=${operator.port}\n`,
    );
    const { code, stderr } = await deploy('--env-file', short);
    expect(code).toBe(1);
    expect(stderr).toMatch(/it keeps ending[\s\S]*ADMIN_TOKEN[\s\S]*nothing to go back to; it is stopped/);
    expect(await onHost(directory, 'docker compose ps --all --quiet')).toBe('');
    expect(await releases()).toEqual([]);
    await rm(directory, { recursive: true });
  });

  test('from an empty directory to verified', async () => {
    await mkdir(directory);
    const { code, stdout, stderr } = await deploy('--env-file', envFile);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^✓ GET \/healthz answers 200$/m);
    expect(stdout).toMatch(/^✓ memory: at most 256 MB$/m);
    expect(stdout).toContain('All is well.');
    expect(stdout).not.toContain('✗');
    expect((await stat(join(directory, '.env'))).mode & 0o777).toBe(0o600);
    expect(await env()).toMatch(/^ADMIN_TOKEN=[0-9a-f]{64}$/m);
    expect((await env()).match(/^ADMIN_TOKEN=/gm)).toHaveLength(1);
    expect(await readdir(directory)).not.toContain('backups');
    const made = await onHost(directory, `${QUOTA_PROXY} keys create --label Ada --json`);
    key = /sk-[0-9A-Za-z]{39}/.exec(made)?.[0] ?? '';
    expect(await chat()).toBe(200);
    expect(await used()).toBe(1);
  });

  test('the second deploy is the upgrade: backed up, .env as it was, nothing lost', async () => {
    const before = await env();
    const [first] = await releases();
    await change('core/secret.ts');
    const { code, stdout } = await deploy('--env-file', envFile);
    expect(code).toBe(0);
    expect(stdout).toContain(`Keeps ${directory}/.env as it is: ${envFile} is not used`);
    expect(stdout).toMatch(/^Backs up\n.*\nStarts release/m);
    expect(stdout).toMatch(
      new RegExp(`Release \\S+ \\(version [\\d.]+\\) is healthy; before it was ${first}$`, 'm'),
    );
    expect(stdout).toContain('All is well.');
    const [copy = ''] = COPY.exec(stdout) ?? [];
    expect(await onHost(directory, `cd backups && sha256sum --check ${basename(copy)}.sha256`)).toContain(
      ': OK',
    );
    expect(await onHost(directory, `sqlite3 ${copy} "SELECT label FROM keys"`)).toBe('Ada\n');
    expect(await env()).toBe(before);
    expect(await releases()).toHaveLength(2);
    expect(await used()).toBe(1);
    expect(await chat()).toBe(200);
  });

  test.each([
    { name: 'ends at once', command: ['sh', '-c', 'echo broken on purpose; exit 1'], why: 'it keeps ending' },
    { name: 'never becomes healthy', command: HANGS, why: 'it is not healthy after 8 s' },
  ])('from a release that $name it goes back by itself, and loses nothing', async ({ command, why }) => {
    const [before, counted] = [await current(), await used()];
    const image = await operator.makeImage('broken', IMAGE, command);
    const { code, stdout, stderr } = await deploy('--image', image, '--timeout', '8');
    expect(code).toBe(1);
    expect(stdout).toContain(`Rolls back to release ${before}`);
    expect(stderr).toContain(why);
    if (why === 'it keeps ending') expect(stderr).toContain('  | broken on purpose');
    expect(stderr).toMatch(
      /rolled back: release \S+ is healthy, and the database as it was; nothing is lost/,
    );
    await isAsBefore(before, counted);
  });

  test('where the new release has changed the tables, the copy from before comes back, and that is said', async () => {
    const [before, counted] = [await current(), await used()];
    const migrate = 'sqlite3 /data/quota.db "PRAGMA user_version = 99"; trap exit TERM; sleep 600 & wait';
    const image = await operator.makeImage('migrating', IMAGE, ['sh', '-c', migrate]);
    const { code, stdout, stderr } = await deploy('--image', image, '--timeout', '8');
    expect(code).toBe(1);
    expect(stdout).toMatch(/has changed the tables of the database, from version \d+ to 99/);
    const [, aside = ''] = /kept as (\/data\/replaced-\S+) in the volume/.exec(stderr) ?? [];
    await isAsBefore(before, counted);
    const version = `docker compose exec -T quota-proxy sqlite3 ${aside}/quota.db "PRAGMA user_version"`;
    expect(await onHost(directory, version)).toBe('99\n');
    expect(await onHost(directory, 'docker compose exec -T quota-proxy ls /data')).not.toContain('restore-');
  });

  test('sources that do not build change nothing', async () => {
    const [before, counted] = [await current(), await used()];
    await appendFile(join(operator.checkout, 'core/secret.ts'), 'this is no TypeScript');
    const { code, stderr } = await deploy();
    await change('core/secret.ts');
    expect(code).toBe(1);
    expect(stderr).toMatch(/core\/secret\.ts[\s\S]*there is no image .*nothing was changed/);
    await isAsBefore(before, counted);
  });

  test('interrupted before the switch, it has changed nothing', async () => {
    const [before, counted] = [await current(), await used()];
    await change('core/window.ts');
    const running = operator.start('deploy.sh', options());
    await hears(running, /Builds the image/);
    running.child.kill('SIGTERM');
    const { code, stderr } = await running.ended;
    expect(code).toBe(130);
    expect(stderr).toContain('interrupted: nothing was changed');
    await isAsBefore(before, counted);
  });

  test('killed in the middle of the switch, it is settled by the next run, which goes on', async () => {
    const [before, counted] = [await current(), await used()];
    const image = await operator.makeImage('broken', IMAGE, HANGS);
    const running = operator.start('deploy.sh', options('--image', image));
    await hears(running, /Starts release/);
    await expect
      .poll(() => onHost(directory, 'docker compose ps'), { timeout: 30_000 })
      .toContain('(health: starting)');
    // While it is at work, nobody else is let in.
    const second = await deploy();
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`another deploy is at work in ${directory}: wait until it is done`);
    await onHost(directory, `kill -9 $(pgrep -f '^bash ${directory}/releases/.*/release.sh')`);
    expect((await running.ended).code).not.toBe(0);

    const { code, stdout, stderr } = await deploy('--timeout', '8');
    expect(stdout).toMatch(/An earlier run was cut off while it switched to release/);
    expect(stderr).toContain(`rolled back: release ${before} is healthy`);
    expect(stdout).toContain('All is well.');
    expect(code).toBe(0);
    expect(await current()).not.toBe(before);
    expect(await used()).toBe(counted);
    expect(await leftovers()).toEqual([]);
  });

  test('--back puts the release before in place, and it is verified', async () => {
    const [before = '', now] = [(await releases()).at(-2), await current()];
    const { code, stdout } = await deploy('--back');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Backs up$/m);
    expect(stdout).toMatch(new RegExp(`Release ${before} .*is healthy; before it was ${now}`));
    expect(stdout).toContain('All is well.');
    expect(await current()).toBe(before);
    expect(await chat()).toBe(200);
  });

  test('a stopped server is backed up, too, and runs again after the upgrade', async () => {
    const counted = await used();
    await onHost(directory, 'docker compose down');
    const { code, stdout } = await deploy();
    expect(code).toBe(0);
    const [copy = ''] = COPY.exec(stdout) ?? [];
    expect(await onHost(directory, `cd backups && sha256sum --check ${basename(copy)}.sha256`)).toContain(
      ': OK',
    );
    expect(await used()).toBe(counted);
  });

  test('of old releases few are kept, and their images go with them', async () => {
    expect((await releases()).length).toBe(3);
    const tags = await onHost('/', `docker image ls --format '{{.Tag}}' ${NAME}`);
    expect(tags.trim().split('\n').sort()).toEqual([...(await releases()), 'latest']);
  });

  test('another directory of the same name is not taken for this one', async () => {
    const other = join(operator.folder, 'other', NAME);
    await mkdir(other, { recursive: true });
    const args = [...operator.sshd.options, '--dir', other, '--env-file', envFile];
    const { code, stderr } = await operator.start('deploy.sh', args).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/is called deploy-test, too: give this one another name, COMPOSE_PROJECT_NAME=/);
    expect(await used()).toBeGreaterThan(0);
  });

  test('without ssh, on this machine, with the settings of the environment', async () => {
    const second = join(operator.folder, 'second');
    await mkdir(second);
    await writeFile(
      join(second, 'docker-compose.override.yml'),
      'services: { quota-proxy: { ports: !reset [] } }\n',
    );
    const { code, stdout } = await operator.start('deploy.sh', ['--local', '--dir', second], {
      UPSTREAM_API_KEY: UPSTREAM_KEY,
    }).ended;
    expect(stdout).toContain('published nowhere');
    expect(stdout).toContain('All is well.');
    expect(code).toBe(0);
    expect(await readFile(join(second, '.env'), 'utf8')).toContain(`UPSTREAM_API_KEY=${UPSTREAM_KEY}\n`);
  });

  test('verify.sh marks everything that is not as it should be, says what to do, and fails', async () => {
    await chmod(join(directory, '.env'), 0o644);
    await writeFile(
      join(directory, 'docker-compose.override.yml'),
      `services:
  quota-proxy:
    ports: !override ["0.0.0.0:${operator.port}:8787"]
    deploy: !reset {}
    logging: !override { driver: json-file }
    read_only: false
    restart: "no"
`,
    );
    await onHost(directory, 'docker compose up -d --wait');
    const { code, stdout } = await verify();
    expect(code).toBe(1);
    expect(crosses(stdout)).toEqual([
      '.env can be read by others',
      `port ${operator.port} is open to others, on 0.0.0.0`,
      'there is no limit of memory',
      'it has more rights than it needs',
      'it does not start again when the host does',
      'its log grows without bound',
    ]);
    expect(stdout).toContain(`    chmod 600 ${directory}/.env\n`);
    expect(stdout).toMatch(/Not as it should be: 6\n$/);
  });

  test('verify.sh sees another database, image and token than there should be', async () => {
    await onHost(directory, `sed -i 's/^ADMIN_TOKEN=.*/ADMIN_TOKEN=short/' .env`);
    await writeFile(
      join(directory, 'docker-compose.override.yml'),
      'services: { quota-proxy: { volumes: !override ["/data"], command: [sh, -c, "sleep 600 & wait"] } }\n',
    );
    await onHost(directory, `docker compose up -d && docker tag node:26-trixie-slim ${NAME}:latest`);
    expect(crosses((await verify()).stdout)).toEqual([
      '.env can be read by others',
      'ADMIN_TOKEN in .env is missing or shorter than 32',
      `it runs another image than ${NAME} is now`,
      expect.stringMatching(/^health: (starting|unhealthy)$/),
      expect.stringMatching(/^GET \/healthz on 127.0.0.1:\d+ gives no 200$/),
      'GET /admin/keys without a token does not give 401',
      '/data is on no volume of its own: it goes away with the container',
      'there is no database that can be read',
      'the admin API does not answer',
    ]);
  });

  test.each([
    { name: 'a stopped container', breaks: 'docker compose stop -t 1', says: 'the container does not run' },
    { name: 'a lost file', breaks: 'rm docker-compose.yml', says: 'files are missing: docker-compose.yml' },
    {
      name: 'a lost directory',
      breaks: 'docker compose -p deploy-test down; rm -r "$PWD"',
      says: 'there is no directory',
    },
  ])('verify.sh says so of $name', async ({ breaks, says }) => {
    await onHost(directory, breaks);
    const { code, stdout } = await verify();
    expect(code).toBe(1);
    expect(crosses(stdout).join('\n')).toContain(says);
  });

  test('no secret was in anything that was said, nor on any command line', async () => {
    const token = adminToken;
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    for (const text of [operator.allSaid(), watched.text()]) {
      expect(text).not.toContain(token);
      expect(text).not.toContain(UPSTREAM_KEY);
    }
    // The control: what ran on the host was seen.
    expect(watched.text()).toMatch(/release\.sh new /);
    expect(watched.text()).toContain('quota-proxy keys list --limit 1 --json');
  });

  let adminToken = '';

  function options(...args: string[]): string[] {
    return [...operator.sshd.options, '--dir', directory, ...args];
  }

  function deploy(...args: string[]): Promise<Ran> {
    return operator.start('deploy.sh', options(...args)).ended;
  }

  function verify(): Promise<Ran> {
    return operator.start('verify.sh', options()).ended;
  }

  async function env(): Promise<string> {
    const text = await readFile(join(directory, '.env'), 'utf8');
    adminToken = /^ADMIN_TOKEN=(.*)$/m.exec(text)?.[1] ?? '';
    return text;
  }

  async function releases(): Promise<string[]> {
    return (await readdir(join(directory, 'releases'))).filter((name) => /^\d{8}T\d{6}Z$/.test(name)).sort();
  }

  async function leftovers(): Promise<string[]> {
    const names = [...(await readdir(directory)), ...(await readdir(join(directory, 'releases')))];
    return names.filter((name) => /draft|switching|\.env\.\w{6}$/.test(name));
  }

  async function current(): Promise<string> {
    return (await readFile(join(directory, 'releases/current'), 'utf8')).trim();
  }

  async function isAsBefore(release: string, counted: number): Promise<void> {
    expect(await current()).toBe(release);
    expect(await leftovers()).toEqual([]);
    expect(crosses((await verify()).stdout)).toEqual([]);
    expect(await used()).toBe(counted);
    expect(await chat()).toBe(200);
  }

  /** So that the next release is another one. */
  async function change(path: string): Promise<void> {
    const file = join(operator.checkout, path);
    const text = (await readFile(file, 'utf8')).replace('this is no TypeScript', '');
    await writeFile(file, `${text}\n(globalThis as { changed?: number }).changed = ${text.length};\n`);
  }

  async function chat(): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${operator.port}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'deepseek-chat', messages: [{ role: 'user', content: 'Is it up?' }] }),
    });
    return answer.status;
  }

  /** The requests that the ledger has counted. */
  async function used(): Promise<number> {
    const counted = `SELECT count(*) FROM ledger WHERE kind = 'settled'`;
    const command = `docker compose exec -T quota-proxy sqlite3 /data/quota.db "${counted}"`;
    return Number(await onHost(directory, command));
  }
});

function crosses(said: string): string[] {
  return [...said.matchAll(/^✗ (.*)$/gm)].map(([, what = '']) => what);
}
