import type { Observer } from '#core/observer.ts';
import type { PriceBook, PriceTable } from '#core/price.ts';
import { readPriceFile } from './price-file.ts';

export interface OpenPriceBook extends PriceBook {
  /** Reads the file again. What is wrong with it is told, and the prices stay what they are. */
  reload(): void;
}

/** The prices in the file at `path`, which `first` has been read from; `null`: there are none, for good. */
export function openPriceBook(
  first: PriceTable | null,
  path: string | null,
  observer: Pick<Observer, 'noticed' | 'warned'>,
): OpenPriceBook {
  let table = first;
  return {
    table: () => table,
    reload() {
      if (path === null) return;
      const read = readPriceFile(path);
      if (!read.ok) {
        observer.warned('The prices could not be read again: those from before stay in force.', {
          path,
          problems: read.problems,
        });
        return;
      }
      if (table !== null && read.table.version === table.version && !isSame(read.table, table)) {
        observer.warned('The prices changed, and their version did not: give them a new one.', {
          path,
          version: table.version,
        });
      }
      table = read.table;
      const { version, currency, models } = table;
      observer.noticed('The prices were read again.', { path, version, currency, models: models.size });
    },
  };
}

function isSame(a: PriceTable, b: PriceTable): boolean {
  const textOf = ({ currency, models }: PriceTable) => JSON.stringify([currency, [...models].sort()]);
  return textOf(a) === textOf(b);
}
