import { expect, test } from 'vitest';
import type { BackupFigures, Figures } from '#core/metrics.ts';
import { openMetrics } from './open-metrics.ts';

const metrics = openMetrics();

const BACKUPS: BackupFigures = {
  last: { at: 1_795_000_000_250, ageMs: 90_500 },
  unshipped: { rows: 12, waitedMs: 1_500 },
  drill: { at: 1_794_990_000_000, ageMs: 10_090_500, durationMs: 2_345, ok: true },
  tasks: [
    { task: 'backup', done: 3, failed: 1, failing: false },
    { task: 'segment', done: 0, failed: 2, failing: true },
  ],
};

const FIGURES: Figures = {
  version: '1.2.3',
  store: {
    sizeBytes: 4_096,
    walBytes: 0,
    diskFreeBytes: 5e12,
    openReservations: 7,
    keys: 3,
    entries: 40,
    removedEntries: 12,
    oldestAt: 1_790_000_000_500,
  },
  applicationsPending: null,
  sponsor: [{ meter: 'cost', period: 'month', limit: 900, used: 80, held: 7, resetsAt: null }],
  upstreams: [],
  backups: BACKUPS,
};

const OWN = 'quota_proxy_';

/** The text as a strict reader of the format takes it: sample by name and labels, and each family described once. */
async function read(figures: Figures) {
  const text = await metrics.text(figures);
  expect(text.endsWith('\n')).toBe(true);
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  const described = new Set<string>();
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [, keyword, family = '', rest = ''] = /^# (HELP|TYPE) (\w+) (.+)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      expect(described.has(family), `${family} is described twice`).toBe(false);
      described.add(family);
    } else if (keyword === 'TYPE') {
      types.set(family, rest);
    } else {
      const [, name = '', labels = '', value = ''] =
        /^([a-z_]\w*)(\{(?:[a-z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)+\})? (\S+)$/i.exec(line) ?? [];
      expect(name, line).not.toBe('');
      expect(types.has(name.replace(/_(bucket|sum|count)$/, '')), `${name} has no type`).toBe(true);
      // Go's ParseFloat, which Prometheus reads with, takes NaN in any case.
      const number = /^nan$/i.test(value) ? Number.NaN : Number(value.replace('Inf', 'Infinity'));
      expect(Number.isNaN(number) && !/^nan$/i.test(value), line).toBe(false);
      expect(samples.has(name + labels), `${line} is there twice`).toBe(false);
      samples.set(name + labels, number);
    }
  }
  return { text, samples, types };
}

/** Without what counts up from the start of the process. */
async function ownSamples(figures: Figures): Promise<Record<string, number>> {
  const { samples } = await read(figures);
  const own = [...samples].filter(([name]) => name.startsWith(OWN) && !name.includes('abnormal_access'));
  return Object.fromEntries(own);
}

test('each figure is there under its name, in seconds and bytes, and nothing else of ours is', async () => {
  expect(await ownSamples(FIGURES)).toEqual({
    'quota_proxy_build_info{version="1.2.3"}': 1,
    quota_proxy_open_reservations: 7,
    quota_proxy_keys: 3,
    quota_proxy_ledger_entries: 40,
    quota_proxy_ledger_removed_entries_total: 12,
    quota_proxy_ledger_oldest_timestamp_seconds: 1_790_000_000.5,
    quota_proxy_store_size_bytes: 4_096,
    quota_proxy_store_wal_bytes: 0,
    quota_proxy_disk_free_bytes: 5e12,
    'quota_proxy_sponsor_limit{meter="cost",period="month"}': 900,
    'quota_proxy_sponsor_used{meter="cost",period="month"}': 80,
    'quota_proxy_sponsor_held{meter="cost",period="month"}': 7,
    quota_proxy_backup_enabled: 1,
    'quota_proxy_backup_runs_total{task="backup",outcome="done"}': 3,
    'quota_proxy_backup_runs_total{task="backup",outcome="failed"}': 1,
    'quota_proxy_backup_runs_total{task="segment",outcome="done"}': 0,
    'quota_proxy_backup_runs_total{task="segment",outcome="failed"}': 2,
    'quota_proxy_backup_failing{task="backup"}': 0,
    'quota_proxy_backup_failing{task="segment"}': 1,
    quota_proxy_backup_last_success_timestamp_seconds: 1_795_000_000.25,
    quota_proxy_backup_age_seconds: 90.5,
    quota_proxy_backup_unshipped_rows: 12,
    quota_proxy_backup_unshipped_age_seconds: 1.5,
    quota_proxy_backup_drill_last_timestamp_seconds: 1_794_990_000,
    quota_proxy_backup_drill_age_seconds: 10_090.5,
    quota_proxy_backup_drill_ok: 1,
    quota_proxy_backup_drill_duration_seconds: 2.345,
  });
});

test('what counts up is a counter, and all else of ours a gauge', async () => {
  const { types } = await read(FIGURES);
  const counters = [...types].filter(([name, type]) => name.startsWith(OWN) && type !== 'gauge');
  const COUNTERS = [
    'ledger_removed_entries',
    'backup_runs',
    'requests',
    'tokens',
    'cost_micros',
    'estimates',
  ];
  const HISTOGRAMS = ['added_latency', 'store_commit', 'upstream_latency', 'request_duration'];
  expect(counters).toEqual([
    ...COUNTERS.map((name) => [`${OWN}${name}_total`, 'counter']),
    ...HISTOGRAMS.map((name) => [`${OWN}${name}_seconds`, 'histogram']),
    [`${OWN}abnormal_access_total`, 'counter'],
  ]);
});

test('a backup that did not restore is 0', async () => {
  const drill = { at: 0, ageMs: 1, durationMs: 1, ok: false };
  expect(await ownSamples({ ...FIGURES, backups: { ...BACKUPS, drill } })).toMatchObject({
    quota_proxy_backup_drill_ok: 0,
  });
});

test.each([
  { missing: 'last', names: ['backup_last_success_timestamp_seconds', 'backup_age_seconds'] },
  { missing: 'unshipped', names: ['backup_unshipped_rows', 'backup_unshipped_age_seconds'] },
  {
    missing: 'drill',
    names: [
      'backup_drill_last_timestamp_seconds',
      'backup_drill_age_seconds',
      'backup_drill_ok',
      'backup_drill_duration_seconds',
    ],
  },
])('what is not known is absent, and not 0: $missing', async ({ missing, names }) => {
  const all = Object.keys(await ownSamples(FIGURES));
  const { text } = await read({ ...FIGURES, backups: { ...BACKUPS, [missing]: null } });
  for (const name of names) expect(text).not.toContain(OWN + name);
  const left = Object.keys(await ownSamples({ ...FIGURES, backups: { ...BACKUPS, [missing]: null } }));
  expect(left).toEqual(all.filter((name) => !names.includes(name.slice(OWN.length))));
});

test('where no backups are made, that is all that is said of them', async () => {
  const names = Object.entries(await ownSamples({ ...FIGURES, backups: null }));
  expect(names.filter(([name]) => name.includes('backup'))).toEqual([['quota_proxy_backup_enabled', 0]]);
});

test('what was known once is gone from the next text, and counts do not add up', async () => {
  await read(FIGURES);
  expect(Object.keys(await ownSamples({ ...FIGURES, backups: null }))).toHaveLength(13);
  expect((await ownSamples(FIGURES))['quota_proxy_backup_runs_total{task="backup",outcome="done"}']).toBe(3);
});

test('two that read at once get each their own figures', async () => {
  const versions = ['1', '2', '3', '4'];
  const texts = await Promise.all(versions.map((version) => metrics.text({ ...FIGURES, version })));
  for (const [index, text] of texts.entries()) {
    expect(text.match(/build_info\{.*\}/g)).toEqual([`build_info{version="${versions[index]}"}`]);
  }
});

test('a label may hold anything', async () => {
  const { samples } = await read({ ...FIGURES, version: 'a"b\\c\nd}' });
  expect([...samples.keys()]).toContain('quota_proxy_build_info{version="a\\"b\\\\c\\nd}"}');
});

test('the process is described, and each opening has figures of its own', async () => {
  const { samples } = await read(FIGURES);
  for (const name of ['process_resident_memory_bytes', 'process_cpu_seconds_total']) {
    expect(samples.get(name), name).toBeGreaterThan(0);
  }
  expect(samples.has('nodejs_eventloop_lag_p99_seconds')).toBe(true);
  expect(() => openMetrics()).not.toThrow();
});

test('the media type says which format it is', () => {
  expect(metrics.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
});
