import { readdirSync, readFileSync } from 'node:fs';

const PAUSE_MS = 15;

/** The command lines of all processes of this machine, looked at again and again, as any user of it could. */
export interface SeenArguments {
  /** Every command line so far, one to a line. */
  text(): string;
  stop(): void;
}

export function watchArguments(): SeenArguments {
  const seen = new Set<string>();
  const look = () => {
    for (const name of readdirSync('/proc')) if (/^\d+$/.test(name)) seen.add(commandLineOf(name));
  };
  const timer = setInterval(look, PAUSE_MS);
  return { text: () => [...seen].join('\n'), stop: () => clearInterval(timer) };
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // It has ended meanwhile.
  }
}
