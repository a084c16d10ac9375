import { expect, test } from 'vitest';
import { mountedAt } from './mounted-at.ts';

// As a container on a machine with Docker Desktop has it.
const TABLE = `1122 1087 0:105 / / rw,relatime master:327 - overlay overlay rw,lowerdir=/a - b
1123 1122 0:108 / /proc rw,nosuid - proc proc rw
1124 1122 0:40 /Users/ada/data /data rw,relatime - virtiofs virtiofs0 rw
1125 1124 254:1 /volumes/x /data/local rw,relatime shared:12 master:3 - ext4 /dev/vda1 rw
1126 1122 0:51 / /mnt/my\\040share rw - cifs //nas/share rw
1127 1122 0:52 / /twice rw - ext4 /dev/vda2 rw
1128 1122 0:53 / /twice rw - nfs4 nas:/x rw
`;

test.each([
  { path: '/data', type: 'virtiofs' },
  { path: '/data/quota', type: 'virtiofs' },
  { path: '/database', type: 'overlay' },
  { path: '/data/local/deep/er', type: 'ext4' },
  { path: '/mnt/my share/quota', type: 'cifs' },
  { path: '/twice', type: 'nfs4' },
  { path: '/', type: 'overlay' },
])('$path is on $type', ({ path, type }) => {
  expect(mountedAt(path, TABLE)?.type).toBe(type);
});

test('a table that tells of nothing is no reason for anything', () => {
  expect(mountedAt('/data', '')).toBeUndefined();
  expect(mountedAt('/data', 'not a table\n\n')).toBeUndefined();
});
