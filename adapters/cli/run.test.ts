import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { runCommand } from '#test/fakes/server-process.ts';
import { createProgram } from './create-program.ts';

test.each([
  { line: 'bogus', says: "unknown command 'bogus'. See quota-proxy --help" },
  { line: 'keyz list', says: "unknown command 'keyz' (Did you mean keys?). See quota-proxy --help" },
  { line: 'keys lst', says: "unknown command 'lst' (Did you mean list?). See quota-proxy keys --help" },
  {
    line: 'keys list --jsno',
    says: "unknown option '--jsno' (Did you mean --json?). See quota-proxy keys list --help",
  },
  { line: 'keys show', says: "missing required argument 'key'. See quota-proxy keys show --help" },
  {
    line: 'keys list --limit x',
    says: "option '--limit <n>' argument 'x' is invalid. It must be a whole number. See quota-proxy keys list --help",
  },
  {
    line: 'version extra',
    says: "too many arguments for 'version'. Expected 0 arguments but got 1: extra. See quota-proxy version --help",
  },
  {
    line: 'sponsor',
    says: 'quota-proxy sponsor needs one of show, set. See quota-proxy sponsor --help',
  },
  {
    line: 'migrate --to postgres://database/quota',
    says: 'migrate is for PostgreSQL, which this version does not have: it keeps everything in SQLite, at STORE_PATH',
  },
  {
    line: 'sponsor set',
    says: "Name the quotas, such as --quota '30000000 cost/month', or say --none",
  },
  { line: 'usage reset', says: 'Name one key whose windows are to start anew, or say --all' },
  {
    line: 'keys update x',
    says: 'Say what to change, such as --label or --quota: quota-proxy keys update --help',
  },
  {
    line: 'restore latest --from file',
    says: 'Name one thing to restore: latest, the id of a backup, --at a time, or --from a file',
  },
])('$line is wrong usage, told in one line with what to do', async ({ line, says }) => {
  expect(await runCommand(line.split(' '))).toEqual({
    code: 2,
    stdout: '',
    stderr: `quota-proxy: ${says}\n`,
  });
});

test.each(['--help', 'help', 'keys --help', 'keys create --help', 'help keys'])(
  '%s is no error',
  async (line) => {
    const { code, stdout, stderr } = await runCommand(line.split(' '));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: quota-proxy /);
  },
);

test('every command that prints data prints JSON, too', () => {
  const without = commandsOf(createProgram(() => undefined)).filter(
    ({ options }) => !options.some(({ long }) => long === '--json'),
  );
  expect(without.map((command) => command.name())).toEqual(['serve', 'demo', 'healthcheck', 'completion']);
});

/** Those that do something. */
function commandsOf(command: Command): Command[] {
  const visible = command.createHelp().visibleCommands(command);
  const inner = visible.filter((each) => each.name() !== 'help');
  return inner.length === 0 ? [command] : inner.flatMap(commandsOf);
}

test.each(['--version', '-V'])('%s says what version says', async (option) => {
  expect(await runCommand([option])).toEqual(await runCommand(['version']));
});

/** The command, as a part of a shell script. */
const inScript = (script: string) => ['bash', '-c', script, 'bash'];

test('who reads no further has read enough', async () => {
  const nobodyReads = inScript('exec 3> >(exec true); wait $!; "$@" >&3');
  expect(await runCommand(['help'], {}, nobodyReads)).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('what the disk has no room for is not taken for printed', async () => {
  const { code, stderr } = await runCommand(['version'], {}, inScript('"$@" > /dev/full'));
  expect(stderr).toMatch(/^quota-proxy: what was to be printed is lost \(ENOSPC.*\): make room, .*\n$/);
  expect(code).toBe(1);
});
