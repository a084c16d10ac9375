import type { ForeignFile, ForeignKey, LocalDays, Problem } from '#adapters/import/foreign-file.ts';
import type { Calendar } from '#core/window.ts';

export type { ForeignFile, ForeignKey, LocalDays, Problem };

/** Opens a file of another system. @throws NotRecognised */
export async function openForeign(path: string): Promise<ForeignFile> {
  const { openForeignFile } = await import('#adapters/import/open-foreign-file.ts');
  return openForeignFile(path);
}

/** Days of a server, for a file whose days are those of `there`. */
export async function daysOf(here: Calendar, there: Calendar, today: string): Promise<LocalDays> {
  const { localDays } = await import('#adapters/import/local-days.ts');
  return localDays(here, there, today);
}
