import { dirname } from 'node:path';
import type { DiskStep } from './disk-steps.ts';

/** How much of what was not synced is on the disk when the power goes. */
export type Luck = 'nothing' | 'everything' | 'some' | 'some sectors';

/** A disk that can lose its power. */
export interface PoweredDisk {
  do(step: DiskStep): void;
  /** The files by their paths, were the power lost now. Of the disk itself nothing changes. */
  afterPowerLoss(luck: Luck, random: () => number): ReadonlyMap<string, Buffer>;
}

const SECTOR_BYTES = 512;

/**
 * The least that POSIX promises: bytes of a file are safe once it is synced, its name once its directory is. What was not
 * synced may be there in any part: one write without the one before, and of a write some sectors.
 */
export function poweredDisk(): PoweredDisk {
  /** Files by their names as processes see them, and as they are certain to be found. */
  const seen = new Map<string, Inode>();
  const safe = new Map<string, Inode>();
  /** Since their directory was synced. */
  let renames: Naming[] = [];

  function name(naming: Naming): void {
    renames.push(naming);
    bind(seen, naming);
  }

  function sync(path: string): void {
    const inode = seen.get(path);
    if (inode === undefined) {
      for (const naming of renames.filter((each) => dirname(each.path) === path)) bind(safe, naming);
      renames = renames.filter((each) => dirname(each.path) !== path);
    } else {
      inode.safe = inode.unsafe.reduce(changed, inode.safe);
      inode.unsafe = [];
    }
  }

  return {
    do(step) {
      switch (step.does) {
        case 'create':
          if (!seen.has(step.path)) name({ path: step.path, inode: { safe: Buffer.alloc(0), unsafe: [] } });
          break;
        case 'unlink':
          name({ path: step.path, inode: undefined });
          break;
        case 'sync':
          sync(step.path);
          break;
        case 'write':
        case 'truncate':
          seen.get(step.path)?.unsafe.push(step);
      }
    },
    afterPowerLoss(luck, random) {
      const isLeft = () => luck === 'everything' || (luck !== 'nothing' && random() < 0.5);
      const names = new Map(safe);
      for (const naming of renames) if (isLeft()) bind(names, naming);
      const files = [...names].map(([path, inode]) => {
        const left = inode.unsafe
          .filter(isLeft)
          .map((change) => (luck === 'some sectors' ? torn(change, random) : change));
        return [path, left.reduce(changed, inode.safe)] as const;
      });
      return new Map(files);
    },
  };
}

type Change = Extract<DiskStep, { does: 'write' | 'truncate' }>;

interface Inode {
  safe: Buffer;
  /** Since it was synced. */
  unsafe: Change[];
}

interface Naming {
  readonly path: string;
  /** `undefined`: the name is gone. */
  readonly inode: Inode | undefined;
}

function bind(names: Map<string, Inode>, { path, inode }: Naming): void {
  if (inode === undefined) names.delete(path);
  else names.set(path, inode);
}

function changed(content: Buffer, change: Change): Buffer {
  const size =
    change.does === 'truncate' ? change.size : Math.max(content.length, change.at + change.bytes.length);
  const after = Buffer.alloc(size);
  content.copy(after);
  if (change.does === 'write') change.bytes.copy(after, change.at);
  return after;
}

/** A write of which only what lies in its first sectors got there. */
function torn(change: Change, random: () => number): Change {
  if (change.does === 'truncate') return change;
  const sectors = Math.floor((random() * change.bytes.length) / SECTOR_BYTES);
  const end = (Math.floor(change.at / SECTOR_BYTES) + 1 + sectors) * SECTOR_BYTES - change.at;
  return { ...change, bytes: change.bytes.subarray(0, Math.min(end, change.bytes.length)) };
}
