import type { ContestantName } from './contestants.ts';

/** What one server did at one level of connections, in one round or, summarized, in all. */
export interface BufferedRow {
  readonly server: ContestantName;
  readonly connections: number;
  readonly requests: number;
  readonly failed: number;
  readonly requestsPerSecond: number;
  readonly cpuMicrosPerRequest: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What one server did with streams, in one round or, summarized, in all. */
export interface StreamRow {
  readonly server: ContestantName;
  readonly streams: number;
  readonly broken: number;
  readonly cpuMicrosPerChunk: number;
  readonly peakMb: number;
  readonly firstEventP50Ms: number;
  readonly firstEventP99Ms: number;
}

export interface Rows {
  readonly buffered: readonly BufferedRow[];
  readonly streams: readonly StreamRow[];
}

/** One row for each server and level: medians over the rounds, but all failures and the highest peak. */
export function summarize({ buffered, streams }: Rows): Rows {
  return {
    buffered: group(buffered, ({ connections, server }) => `${connections} ${server}`).map(
      ({ first, all }) => ({
        server: first.server,
        connections: first.connections,
        requests: sum(all, (row) => row.requests),
        failed: sum(all, (row) => row.failed),
        requestsPerSecond: median(all, (row) => row.requestsPerSecond),
        cpuMicrosPerRequest: median(all, (row) => row.cpuMicrosPerRequest),
        p50Ms: median(all, (row) => row.p50Ms),
        p99Ms: median(all, (row) => row.p99Ms),
      }),
    ),
    streams: group(streams, ({ server }) => server).map(({ first, all }) => ({
      server: first.server,
      streams: first.streams,
      broken: sum(all, (row) => row.broken),
      cpuMicrosPerChunk: median(all, (row) => row.cpuMicrosPerChunk),
      peakMb: Math.max(...all.map((row) => row.peakMb)),
      firstEventP50Ms: median(all, (row) => row.firstEventP50Ms),
      firstEventP99Ms: median(all, (row) => row.firstEventP99Ms),
    })),
  };
}

/** Two markdown tables; `× bare` is the ratio of CPU to the bare proxy's in the same run. */
export function markdown({ buffered, streams }: Rows): string {
  const bareAt = (connections: number) =>
    buffered.find((row) => row.server === 'bare' && row.connections === connections)?.cpuMicrosPerRequest;
  const bareChunk = streams.find((row) => row.server === 'bare')?.cpuMicrosPerChunk;
  return [
    table(
      ['connections', 'server', 'CPU µs/request', '× bare', 'requests/s', 'p50 ms', 'p99 ms', 'failed'],
      buffered
        .toSorted((a, b) => a.connections - b.connections)
        .map((row) => [
          String(row.connections),
          row.server,
          row.cpuMicrosPerRequest.toFixed(1),
          ratio(row.cpuMicrosPerRequest, bareAt(row.connections)),
          row.requestsPerSecond.toFixed(0),
          row.p50Ms.toFixed(2),
          row.p99Ms.toFixed(2),
          `${row.failed} of ${row.requests}`,
        ]),
    ),
    table(
      ['streams', 'server', 'CPU µs/chunk', '× bare', 'peak MB', 'first event p50 ms', 'p99 ms', 'broken'],
      streams.map((row) => [
        String(row.streams),
        row.server,
        row.cpuMicrosPerChunk.toFixed(1),
        ratio(row.cpuMicrosPerChunk, bareChunk),
        row.peakMb.toFixed(0),
        row.firstEventP50Ms.toFixed(1),
        row.firstEventP99Ms.toFixed(1),
        String(row.broken),
      ]),
    ),
  ].join('\n\n');
}

function group<T>(rows: readonly T[], keyOf: (row: T) => string): { first: T; all: readonly T[] }[] {
  return [...Map.groupBy(rows, keyOf).values()].flatMap((all) =>
    all[0] === undefined ? [] : [{ first: all[0], all }],
  );
}

function sum<T>(rows: readonly T[], numberOf: (row: T) => number): number {
  return rows.reduce((total, row) => total + numberOf(row), 0);
}

function median<T>(rows: readonly T[], numberOf: (row: T) => number): number {
  const sorted = rows.map(numberOf).sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}

function ratio(value: number, bare: number | undefined): string {
  return bare === undefined ? '–' : (value / bare).toFixed(2);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => `${'-'.repeat(width + 1)}:`).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
