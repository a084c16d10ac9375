import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, vi } from 'vitest';
import { freePort } from '#test/fakes/server-process.ts';

const SSHD = '/usr/sbin/sshd';
const run = promisify(execFile);

/** A host to deploy to: this machine, through a real sshd on a loopback port, with keys of its own. */
export interface Sshd {
  /** What a script is told to get there. */
  readonly options: readonly string[];
  /** The same, with a `known_hosts` that lacks this host. */
  readonly optionsOfAStranger: readonly string[];
  stop(): Promise<void>;
}

/**
 * Starts it with everything that it needs in `folder`; the user is whoever runs this. `folder/bin/ssh` is an ssh that
 * knows this host as `the-host`.
 */
export async function startSshd(folder: string): Promise<Sshd> {
  if (!existsSync(SSHD)) expect.fail('sshd is needed here: apt-get install openssh-server');
  // Where a service manager would have made it for root's sshd (sshd(8), FILES).
  if (userInfo().uid === 0) await mkdir('/run/sshd', { recursive: true });
  const file = (name: string) => join(folder, name);
  for (const name of ['host-key', 'user-key'])
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(name)]);
  const port = await freePort();
  const hostKey = await readFile(file('host-key.pub'), 'utf8');
  await writeFile(file('known-hosts'), `[127.0.0.1]:${port} ${hostKey}`);
  await writeFile(file('nobody-known'), '');
  await writeFile(file('sshd-config'), configOf(file, port));
  await writeFile(file('ssh-config'), clientConfigOf(file, port));
  await mkdir(file('bin'));
  // The program reads ~/.ssh/config of the account, whatever HOME is: this one is given in its place.
  await writeFile(file('bin/ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F ${file('ssh-config')} "$@"\n`, {
    mode: 0o755,
  });
  const sshd = spawn(SSHD, ['-D', '-e', '-f', file('sshd-config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  sshd.stderr.on('data', (part: Buffer) => {
    said += part.toString();
  });
  await vi.waitFor(async () => expect(await answers(port), said).toBe(true), { timeout: 10_000 });
  const optionsWith = (knownHosts: string) => [
    ...['--host', '127.0.0.1', '--port', String(port), '--user', userInfo().username],
    ...['--ssh-key', file('user-key'), `--ssh-option=UserKnownHostsFile=${file(knownHosts)}`],
  ];
  return {
    options: optionsWith('known-hosts'),
    optionsOfAStranger: optionsWith('nobody-known'),
    async stop() {
      sshd.kill('SIGTERM');
      if (sshd.exitCode === null && sshd.signalCode === null) await once(sshd, 'exit');
    },
  };
}

function configOf(file: (name: string) => string, port: number): string {
  const { DOCKER_HOST } = process.env;
  return `
Port ${port}
ListenAddress 127.0.0.1
HostKey ${file('host-key')}
AuthorizedKeysFile ${file('user-key.pub')}
PasswordAuthentication no
KbdInteractiveAuthentication no
# The folder of a test is below /tmp, where others may write.
StrictModes no
PidFile none
${DOCKER_HOST === undefined ? '' : `SetEnv DOCKER_HOST=${DOCKER_HOST}`}
`;
}

/** The name that a person has given the host: `the-host`. */
function clientConfigOf(file: (name: string) => string, port: number): string {
  return `
Host the-host
HostName 127.0.0.1
Port ${port}
User ${userInfo().username}
IdentityFile ${file('user-key')}
UserKnownHostsFile ${file('known-hosts')}
`;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
