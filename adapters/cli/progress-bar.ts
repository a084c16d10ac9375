import type { FetchProgress } from '#handlers/backup/fetch-copy.ts';
import { sizeText, spanText } from './print.ts';

/** How far a step is: in bytes, or in pieces where those are what there is. */
export interface Progress {
  readonly step: FetchProgress['step'] | 'import' | 'receipts';
  readonly done: number;
  readonly total: number;
}

export interface ProgressBar {
  update(progress: Progress): void;
  /** A line of its own above the bar. */
  say(text: string): void;
  /** Takes the bar away. May be called again. */
  end(): void;
}

/** What the steps are called. Those without a rate are over before anybody could read one. */
const STEPS: Readonly<Record<Progress['step'], string>> = {
  download: 'Downloading',
  unpack: 'Unpacking',
  check: 'Checking',
  segments: 'Fetching what came after',
  replay: 'Adding what came after',
  import: 'Importing keys',
  receipts: 'Reading receipts, by days',
};

const BAR_WIDTH = 24;
const CLEAR_LINE = '\r\x1b[K';

interface Output {
  readonly isTTY?: boolean;
  /** 0 or `undefined`: nobody knows. */
  readonly columns?: number;
  write(text: string): unknown;
}

/**
 * Shows how far something is: bytes, and the time left at the rate so far. Where output is no terminal, one line for
 * each step. `elapsedMs` tells the time since any fixed moment.
 */
export function progressBar(output: Output, elapsedMs: () => number): ProgressBar {
  let step: Progress['step'] | null = null;
  let startedMs = 0;
  const clear = () => output.isTTY && output.write(CLEAR_LINE);
  return {
    update(progress) {
      if (progress.step !== step) {
        step = progress.step;
        startedMs = elapsedMs();
        if (!output.isTTY) output.write(`${STEPS[step]} …\n`);
      }
      if (output.isTTY)
        output.write(`${CLEAR_LINE}${lineOf(progress, elapsedMs() - startedMs, output.columns)}`);
    },
    say(text) {
      clear();
      output.write(`${text}\n`);
    },
    end() {
      if (step !== null) clear();
      step = null;
    },
  };
}

/** `Downloading  ████████░░░░░░░░░░░░░░░░  33 %  41.2 MB of 124.0 MB, 12 s left`. */
export function lineOf({ step, done, total }: Progress, tookMs: number, columns?: number): string {
  const name = STEPS[step];
  if (done === 0 || total === 0) return `${name} …`;
  const part = Math.min(1, done / total);
  const filled = Math.round(part * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const left = part === 1 ? '' : `, ${spanText((tookMs / part) * (1 - part))} left`;
  const amount =
    step === 'segments' || step === 'import' || step === 'receipts'
      ? `${done} of ${total}`
      : `${sizeText(done)} of ${sizeText(total)}`;
  const percent = `${Math.floor(part * 100)} %`;
  const line = `${name}  ${bar}  ${percent}  ${amount}${left}`;
  // One that goes on in the next line cannot be written over.
  return line.length < (columns || Number.POSITIVE_INFINITY) ? line : `${name}  ${percent}`;
}
