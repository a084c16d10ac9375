import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** Which core a process is bound to, where the machine has two and `taskset`. */
type Core = 'server' | 'load' | 'any';

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly core: Core;
}

export interface RunningServer {
  readonly pid: number;
  readonly port: number;
  /** Resolves once the process is gone. */
  stop(): Promise<void>;
}

export const isPinned = availableParallelism() >= 2 && spawnSync('taskset', ['--version']).status === 0;

/** Starts a program; its standard error is this process's. */
export function start({ command, args, env = {}, core }: Program): ChildProcess {
  const pin = isPinned && core !== 'any' ? ['taskset', '-c', core === 'server' ? '0' : '1'] : [];
  const [file = command, ...rest] = [...pin, command, ...args];
  return spawn(file, rest, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], ...env },
  });
}

/** Starts a program that serves `port`. @throws Error if it does not within so many seconds */
export async function startServer(program: Program, port: number, secondsMax = 10): Promise<RunningServer> {
  const child = start(program);
  child.stdout?.resume();
  const exited = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await exited;
    clearTimeout(killer);
  };
  for (let attempt = 0; attempt < secondsMax * 50; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`${program.command} exited with ${child.exitCode}`);
    if (child.pid !== undefined && (await answers(port))) return { pid: child.pid, port, stop };
    await delay(20);
  }
  await stop();
  throw new Error(`${program.command} ${program.args.join(' ')} does not listen on port ${port}`);
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('connect', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
