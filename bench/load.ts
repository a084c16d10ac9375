import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { secretNumber } from './bench-key.ts';
import { responseReader } from './response-reader.ts';
import type { LoadResult, Workload } from './workload.ts';
import { CHUNKS_PER_STREAM, requestBytes } from './workload.ts';

/**
 * The load generator: `node bench/load.ts WORKLOAD`, JSON in and out. A closed loop on each connection, all of them
 * open before the first request is sent. It speaks HTTP by hand: an HTTP client in Node costs as much as the server
 * under test, and would be what is measured.
 */
async function load(workload: Workload): Promise<LoadResult> {
  const bytes = requestsOf(workload);
  const sockets = await Promise.all(Array.from({ length: workload.connections }, () => open(workload.port)));
  const startedMs = performance.now();
  const tally: Tally = { begun: 0, failed: 0, samplesMs: [], endMs: startedMs + workload.secondsMax * 1000 };
  await Promise.all(sockets.map((socket) => drive(socket, workload, bytes, tally)));
  const seconds = (performance.now() - startedMs) / 1000;
  if (tally.samplesMs.length === 0) throw new Error(`not one of ${tally.begun} requests was answered`);
  const sorted = Float64Array.from(tally.samplesMs).sort();
  return {
    requests: tally.begun,
    failed: tally.failed,
    seconds,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    maxMs: percentile(sorted, 1),
  };
}

interface Tally {
  begun: number;
  failed: number;
  readonly samplesMs: number[];
  readonly endMs: number;
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/** Sends one request after another until a bound is reached; resolves when the last answer ended. */
function drive(socket: Socket, workload: Workload, bytes: () => Buffer, tally: Tally): Promise<void> {
  const eventsExpected = workload.stream ? CHUNKS_PER_STREAM : 0;
  return new Promise((resolve) => {
    let sentMs = 0;
    let inFlight = false;
    const next = () => {
      sentMs = performance.now();
      inFlight = tally.begun < workload.requestsMax && sentMs < tally.endMs;
      if (!inFlight) {
        socket.end();
        resolve();
        return;
      }
      tally.begun += 1;
      socket.write(bytes());
    };
    const read = responseReader({
      eventsCame: () => tally.samplesMs.push(performance.now() - sentMs),
      ended: ({ status, events, done }) => {
        if (!workload.stream) tally.samplesMs.push(performance.now() - sentMs);
        if (status !== 200 || events !== eventsExpected || done !== workload.stream) tally.failed += 1;
        if (workload.pauseMs === undefined) next();
        else setTimeout(next, workload.pauseMs);
      },
    });
    socket.on('data', read);
    socket.on('error', () => {}); // followed by 'close'
    socket.on('close', () => {
      if (inFlight) tally.failed += 1;
      inFlight = false;
      resolve();
    });
    next();
  });
}

/** What each request is: that of one key, or of one of many. Made before the first is sent. */
function requestsOf(workload: Workload): () => Buffer {
  if (workload.keys === undefined) {
    const bytes = requestBytes(workload);
    return () => bytes;
  }
  const known = Array.from({ length: workload.keys }, (_, n) => secretNumber(n));
  return () => {
    const secret = known[Math.floor(Math.random() * known.length)] ?? workload.secret;
    return requestBytes({ ...workload, secret });
  };
}

/** The smallest sample that at least `share` of all samples do not exceed. */
function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

console.log(JSON.stringify(await load(JSON.parse(process.argv[2] ?? '{}'))));
