import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { vi } from 'vitest';
import type { CollectedSpan } from './otlp-spans.ts';
import { spansInProtobuf } from './otlp-spans.ts';

/** A real HTTP server in the place of a collector, which takes traces by OTLP. */
export interface TraceCollector {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  readonly port: number;
  /** All exports so far, as they came but for their compression. */
  readonly exports: readonly TraceExport[];
  /** What was told in protobuf so far. */
  spans(): readonly CollectedSpan[];
  /** All spans of the trace that holds one which `fits`, once its SERVER span is there: that one ends last. */
  traceWith(fits: (span: CollectedSpan) => boolean): Promise<CollectedTrace>;
  close(): Promise<void>;
}

export interface TraceExport {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface CollectedTrace {
  readonly server: CollectedSpan;
  readonly reserve: CollectedSpan | undefined;
  readonly client: CollectedSpan | undefined;
}

export interface CollectorOptions {
  /** Any free one unless said otherwise. */
  readonly port?: number;
  /** What is answered to each export; unless said otherwise that all of it was taken. */
  readonly answer?: (response: ServerResponse) => void;
}

const COLLECTED_MS_MAX = 15_000;

export async function startTraceCollector({
  port = 0,
  answer = (response) => void response.writeHead(200).end(),
}: CollectorOptions = {}): Promise<TraceCollector> {
  const exports: TraceExport[] = [];
  const server = createServer(async (request, response) => {
    const sent = await buffer(request);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    exports.push({ path: request.url ?? '', headers: request.headers, body });
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  const spans = () =>
    exports
      .filter(({ headers }) => headers['content-type'] === 'application/x-protobuf')
      .flatMap(({ body }) => spansInProtobuf(body));
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    port: address.port,
    exports,
    spans,
    traceWith: (fits) =>
      vi.waitFor(() => traceIn(spans(), fits), { timeout: COLLECTED_MS_MAX, interval: 20 }),
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** @throws Error if it is not there yet */
function traceIn(spans: readonly CollectedSpan[], fits: (span: CollectedSpan) => boolean): CollectedTrace {
  const traceId = spans.find(fits)?.traceId;
  const ofTrace = spans.filter((span) => span.traceId === traceId);
  const server = ofTrace.find(({ kind }) => kind === 'SERVER');
  if (server === undefined) throw new Error('no such trace has been collected');
  const ofKind = (kind: CollectedSpan['kind']) => ofTrace.find((span) => span.kind === kind);
  return { server, reserve: ofKind('INTERNAL'), client: ofKind('CLIENT') };
}
