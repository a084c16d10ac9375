import { expect, test } from 'vitest';
import { accountWith, keyWith, NOON, reservationWith } from '#test/fakes/accounts.ts';
import { lapse, statusOf } from './expire.ts';

test.each([
  { name: 'nothing against it', key: {}, status: 'active' },
  { name: 'a millisecond left', key: { expiresAt: NOON + 1 }, status: 'active' },
  { name: 'its last instant is over', key: { expiresAt: NOON }, status: 'expired' },
  { name: 'long expired', key: { expiresAt: 1 }, status: 'expired' },
  { name: 'disabled', key: { disabled: true }, status: 'disabled' },
  { name: 'disabled and expired', key: { disabled: true, expiresAt: 1 }, status: 'disabled' },
  { name: 'deleted', key: { deletedAt: NOON - 1 }, status: 'deleted' },
  {
    name: 'deleted, disabled and expired',
    key: { deletedAt: 1, disabled: true, expiresAt: 1 },
    status: 'deleted',
  },
])('statusOf: $name', ({ key, status }) => {
  expect(statusOf(keyWith(key), NOON)).toBe(status);
});

const asks = { kind: 'lapse', at: NOON, requestId: 'request-1', keyId: 'key' } as const;

test('a reservation that lapses costs what it held, since the upstream may have served it', () => {
  const reservation = reservationWith();
  const { entries, result } = lapse(accountWith({}, { open: [reservation] }), asks);
  expect(entries).toEqual([
    { kind: 'lapsed', requestId: 'request-1', keyId: 'key', at: NOON, used: reservation.amount },
  ]);
  expect(result.ended).toBe(true);
});

test('what is not open cannot lapse', () => {
  const account = accountWith({}, { open: [reservationWith({ id: 'another' })] });
  expect(lapse(account, asks)).toEqual({ entries: [], result: { ended: false } });
});
