import { setTimeout as sleep } from 'node:timers/promises';
import { AdminError } from '#handlers/admin/client.ts';

export interface Watch {
  /** What is to be seen now. @throws AdminError */
  look(): Promise<string>;
  readonly intervalMs: number;
}

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
// A line that is too wide is cut, or it would be two, and all below it would move.
const NO_WRAP = '\x1b[?7l';
const WRAP = '\x1b[?7h';
const CLEAR = '\x1b[2J';
const HOME = '\x1b[H';
const CLEAR_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/**
 * Shows something again and again, until it is interrupted: in the same place where output is a terminal, else one
 * after another. While the server gives no answer, it goes on trying.
 */
export async function watch({ look, intervalMs }: Watch): Promise<void> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  // Whoever reads along has read enough.
  process.stdout.once('error', stop);
  const screen = process.stdout.isTTY ? terminalScreen(process.stdout) : plainScreen(process.stdout);
  try {
    while (!stopping.signal.aborted) {
      await show(look, screen);
      await sleep(intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  } finally {
    screen.end();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, stop);
  }
}

async function show(look: Watch['look'], screen: Screen): Promise<void> {
  try {
    screen.show(await look());
  } catch (error) {
    const isAway = error instanceof AdminError && (error.status === 0 || error.status >= 500);
    if (!isAway) throw error;
    screen.trouble(`quota-proxy: ${error.message} Trying again.\n`);
  }
}

interface Screen {
  show(text: string): void;
  trouble(text: string): void;
  end(): void;
}

function terminalScreen(output: NodeJS.WriteStream): Screen {
  output.write(HIDE_CURSOR + NO_WRAP + CLEAR);
  let shown = '';
  const draw = (text: string) => {
    // One line more than there are would move all of them.
    const lines = text
      .trimEnd()
      .split('\n')
      .slice(0, output.rows > 1 ? output.rows - 1 : undefined);
    output.write(HOME + lines.map((line) => `${line}${CLEAR_LINE_END}\n`).join('') + CLEAR_BELOW);
  };
  return {
    show(text) {
      shown = text;
      draw(text);
    },
    trouble: (text) => draw(text + shown),
    end: () => void output.write(WRAP + SHOW_CURSOR),
  };
}

function plainScreen(output: NodeJS.WriteStream): Screen {
  return {
    show: (text) => void output.write(text),
    trouble: (text) => void process.stderr.write(text),
    end: () => undefined,
  };
}
