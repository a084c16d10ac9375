import { linkSync, mkdirSync, renameSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** One thing that a process asked of the file system. */
export interface Step {
  readonly call: 'create' | 'write' | 'fsync' | 'link' | 'rename' | 'unlink' | 'mkdir' | 'rmdir';
  readonly path: string;
  /** The second name of a link or rename; what was written. */
  readonly argument: string;
}

/** Reads what `strace -y` wrote of one thread: what succeeded, in order. */
export function stepsOf(trace: string): readonly Step[] {
  return trace.split('\n').flatMap((line) => {
    const [, call = '', from = '', to = ''] =
      /^(link|rename|unlink|mkdir|rmdir)\("([^"]+)"(?:, "([^"]+)")?.*\) += 0$/.exec(line) ?? [];
    if (call !== '') return { call: call as Step['call'], path: from, argument: to };
    const [, created] = /^openat\(.*, "[^"]+", .*O_CREAT.*\) += \d+<([^>]+)>$/.exec(line) ?? [];
    if (created !== undefined) return { call: 'create', path: created, argument: '' };
    const [, synced] = /^fsync\(\d+<([^>]+)>\) += 0$/.exec(line) ?? [];
    if (synced !== undefined) return { call: 'fsync', path: synced, argument: '' };
    const [, written, text = ''] = /^write\(\d+<([^>]+)>, (".*"), \d+\) += \d+$/.exec(line) ?? [];
    return written === undefined
      ? []
      : { call: 'write', path: written, argument: JSON.parse(text) as string };
  });
}

/**
 * All that power loss may leave of these steps, at whatever moment: of what was not synced yet, any part, in any
 * order. A change of a directory is safe once that directory is synced, a move between two once both are.
 */
export function afterPowerLoss(steps: readonly Step[]): readonly (readonly Step[])[] {
  const changes = steps.filter(({ call }) => call !== 'fsync');
  const found = new Map<string, readonly Step[]>();
  for (let end = 0; end <= steps.length; end += 1) {
    const done = steps.slice(0, end);
    const unsafe = done.filter((step, at) => step.call !== 'fsync' && !isSafe(step, done.slice(at + 1)));
    for (let lost = 0; lost < 2 ** unsafe.length; lost += 1) {
      const left = done.filter((step) => step.call !== 'fsync' && !isLost(unsafe.indexOf(step), lost));
      found.set(left.map((step) => changes.indexOf(step)).join(), left);
    }
  }
  return [...found.values()];
}

/** Does these steps again. One that builds on what was lost is lost, too. */
export function replay(steps: readonly Step[]): void {
  for (const { call, path, argument } of steps) {
    try {
      switch (call) {
        case 'create':
          writeFileSync(path, '');
          break;
        case 'write':
          writeFileSync(path, argument, { flag: 'r+' });
          break;
        case 'link':
          linkSync(path, argument);
          break;
        case 'rename':
          renameSync(path, argument);
          break;
        case 'unlink':
          unlinkSync(path);
          break;
        case 'mkdir':
          mkdirSync(path, { mode: 0o700 });
          break;
        case 'rmdir':
          rmdirSync(path);
          break;
      }
    } catch (error) {
      if (!/^(ENOENT|EEXIST|ENOTEMPTY)$/.test((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
}

function isSafe(step: Step, later: readonly Step[]): boolean {
  return placesOf(step).every((place) => later.some(({ call, path }) => call === 'fsync' && path === place));
}

/** What has to be synced until a change is safe. */
function placesOf({ call, path, argument }: Step): readonly string[] {
  switch (call) {
    case 'write':
      return [path];
    case 'link':
      return [dirname(argument)];
    case 'rename':
      return [dirname(path), dirname(argument)];
    default:
      return [dirname(path)];
  }
}

function isLost(at: number, lost: number): boolean {
  return at >= 0 && (lost & (1 << at)) !== 0;
}
