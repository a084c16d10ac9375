/** Room on the disk for copies that are under way: bounded, so that a backup never fills what requests are recorded on. */
export interface Spool {
  /** A new, empty folder. @throws SpoolFull if `bytes` would not fit */
  open(purpose: string, bytes: number): Promise<SpoolFolder>;
}

export interface SpoolFolder {
  /** The path of a file in it, whether it is there or not. */
  pathOf(name: string): string;
  append(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Removes the folder with all that is in it. */
  close(): Promise<void>;
}

/** There is too little room for a copy. One line, with the figures and the way out. */
export class SpoolFull extends Error {
  override readonly name = 'SpoolFull';
}
