import type { ApiKey, RequestId } from '#core/model.ts';
import type { Chance } from './chance.ts';
import type { NaiveLedger, Terms } from './naive-ledger.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import type { DiskMood, ProcessParts, SimulatedProcess } from './simulated-process.ts';
import type { VirtualTime } from './virtual-time.ts';

/** All there is in a simulation. */
export interface World {
  readonly chance: Chance;
  readonly time: VirtualTime;
  readonly disk: SimulatedDisk;
  readonly naive: NaiveLedger;
  readonly keys: readonly { readonly key: ApiKey; readonly secret: string }[];
  readonly parts: Omit<ProcessParts, 'store'>;
  readonly terms: Omit<Terms, 'ofKey' | 'ofSponsor'>;
  process: SimulatedProcess;
  mood: DiskMood;
  /** What the bodies of requests say, and their ids. */
  readonly asked: Map<string, RequestId>;
  readonly failures: string[];
  entries: number;
  answers: number;
  lastId: number;
}
