import type { Calendar } from '#core/window.ts';
import { noMemories, openMemoryStore } from '#test/fakes/memory-store.ts';
import { testStore } from './store-conformance.ts';
import type { StoreUnderTest } from './store-under-test.ts';

testStore('memory', async (calendar) => subject(calendar));

/** There is nothing to examine: the entries are all that is stored. */
function subject(calendar: Calendar, data = noMemories()): StoreUnderTest {
  return {
    store: openMemoryStore({ calendar, data }),
    crash: async () => subject(calendar, data),
    problems: async () => [],
  };
}
