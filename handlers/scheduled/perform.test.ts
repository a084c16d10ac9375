import { expect, test } from 'vitest';
import type { DrillRecord } from '#core/snapshot.ts';
import type { Backups } from '#handlers/backup/backups.ts';
import { reserving } from '#test/conformance/specimens.ts';
import { NOON } from '#test/fakes/accounts.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';
import { perform } from './perform.ts';

const DRILL: DrillRecord = {
  snapshotId: '20261125T083716Z',
  at: NOON,
  durationMs: 1200,
  segments: 3,
  problems: [],
};

const nothing = async () => {};

/** The services of a proxy whose backups tell what they were asked for. */
async function openTasks(drill: DrillRecord | undefined) {
  const asked: string[] = [];
  const backups = {
    backUpIfDue: async (at: number) => void asked.push(`backup ${at - NOON}`),
    ship: async (at: number) => void asked.push(`segment ${at - NOON}`),
    prune: async (at: number) => void asked.push(`prune ${at - NOON}`),
    async drillIfDue(at: number) {
      asked.push(`drill ${at - NOON}`);
      return drill;
    },
  } as unknown as Backups;
  const proxy = await openProxy({ behaviour: (_, response) => sendJson(response, completion(1, 1)) });
  return {
    proxy,
    asked,
    services: { ...proxy.services, backups, watch: nothing, retain: nothing, forgetApplications: nothing },
  };
}

test.each(['backup', 'segment', 'drill', 'prune'] as const)(
  'the task %s is done at its instant',
  async (kind) => {
    const { proxy, asked, services } = await openTasks(undefined);
    await perform({ kind, at: NOON + 5 }, services);
    await perform({ kind, at: NOON }, { ...services, backups: null });
    await proxy.close();
    expect(asked).toEqual([`${kind} 5`]);
  },
);

test.each([
  { name: 'that restores', problems: [], failed: 0 },
  { name: 'that does not', problems: ['x is damaged'], failed: 1 },
])('a drill of a backup $name is in the operation log', async ({ problems, failed }) => {
  const { proxy, services } = await openTasks({ ...DRILL, problems });
  await perform({ kind: 'drill', at: NOON }, services);
  await perform(
    { kind: 'drill', at: NOON },
    { ...services, policy: { ...services.policy, operationLog: false } },
  );
  const { items } = await proxy.store.operations.list({ limit: 10 });
  await proxy.close();
  expect(items).toMatchObject([
    {
      actor: 'schedule',
      action: 'backups.drill',
      target: DRILL.snapshotId,
      details: { ok: failed === 0, duration_ms: 1200, segments: 3, problems },
    },
  ]);
  expect(proxy.failures).toHaveLength(2 * failed);
});

test('what need not be kept any longer is let go of in one task: of the ledger, and applications', async () => {
  const { proxy, services } = await openTasks(undefined);
  const asked: string[] = [];
  const retain = async (at: number) => void asked.push(`ledger ${at - NOON}`);
  const forgetApplications = async (at: number) => void asked.push(`applications ${at - NOON}`);
  await perform({ kind: 'retain', at: NOON + 5 }, { ...services, retain, forgetApplications });
  await proxy.close();
  expect(asked).toEqual(['ledger 5', 'applications 5']);
});

test('reservations that lapsed are expired through the same entry', async () => {
  const { proxy, services } = await openTasks(undefined);
  const { key } = await proxy.issue();
  await services.ledger.execute(reserving(1, key));
  expect((await proxy.store.health.status()).openReservations).toBe(1);
  await perform({ kind: 'expire', at: NOON + 24 * 3_600_000 }, services);
  expect((await proxy.store.health.status()).openReservations).toBe(0);
  await proxy.close();
});
