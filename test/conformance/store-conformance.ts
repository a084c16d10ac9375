import { afterEach, describe } from 'vitest';
import { calendarOf } from '#core/window.ts';
import { testApplications } from './applications-conformance.ts';
import { testBringingIn } from './bring-in-conformance.ts';
import { testAgainstReference } from './differential.ts';
import { testKeys } from './keys-conformance.ts';
import { testLedger } from './ledger-conformance.ts';
import { testReplies } from './replies-conformance.ts';
import { testReports } from './reports-conformance.ts';
import { testRetention } from './retention-conformance.ts';
import { testRotation } from './rotation-conformance.ts';
import type { OpenStore, StoreUnderTest } from './store-under-test.ts';
import { testUsageHistories } from './usage-histories.ts';

/** Everything that the ports promise of a store, whatever it is made of. */
export function testStore(name: string, open: OpenStore): void {
  describe(name, () => {
    const opened: StoreUnderTest[] = [];
    afterEach(async () => {
      await Promise.all(opened.splice(0).map(({ store }) => store.close()));
    });

    const openUtc = async () => kept(await open(calendarOf('UTC')), opened);

    describe('ledger', () => testLedger(openUtc));
    describe('what is brought in', () => testBringingIn(openUtc));
    describe('keys and operations', () => testKeys(openUtc));
    describe('kept replies', () => testReplies(openUtc));
    describe('rotation', () => testRotation(openUtc));
    describe('applications', () => testApplications(openUtc));
    describe('reports and health', () => testReports(openUtc));
    describe('retention', () => testRetention(openUtc));
    describe('against the reference', () => {
      testAgainstReference(open);
      testUsageHistories(open);
    });
  });
}

/** The same, remembered with all that becomes of it, so that it will be closed. */
function kept(subject: StoreUnderTest, opened: StoreUnderTest[]): StoreUnderTest {
  opened.push(subject);
  return { ...subject, crash: async () => kept(await subject.crash(), opened) };
}
