import type { ExportResult } from '@opentelemetry/core';
import { ExportResultCode } from '@opentelemetry/core';
import {
  createOtlpHttpExportDelegate,
  httpAgentFactoryFromOptions,
} from '@opentelemetry/otlp-exporter-base/node-http';
import {
  JsonTraceSerializer,
  ProtobufTraceSerializer,
  TraceExporterMetricsHelper,
} from '@opentelemetry/otlp-transformer';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Observer } from '#core/observer.ts';

/** Where spans go, and how. */
export interface ExporterConfig {
  /** With the path: `http://collector:4318/v1/traces`. */
  readonly url: string;
  readonly encoding: 'protobuf' | 'json';
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'gzip' | 'none';
  /** For one batch, with all tries. */
  readonly timeoutMs: number;
  readonly userAgent: string;
}

const ENCODINGS = {
  protobuf: { serializer: ProtobufTraceSerializer, mediaType: 'application/x-protobuf' },
  json: { serializer: JsonTraceSerializer, mediaType: 'application/json' },
} as const;

/** As many as a full queue has at the end, when all go at once, and those on their way. */
const BATCHES_AT_ONCE_MAX = 8;
const REASON_LENGTH_MAX = 300;

/**
 * Sends spans by OTLP over HTTP. Put together from the parts of the official exporter, and not that itself: it adds what
 * the environment says to what it is told.
 */
export function openExporter(
  config: ExporterConfig,
  observer: Pick<Observer, 'noticed' | 'failed'>,
): SpanExporter {
  const { serializer, mediaType } = ENCODINGS[config.encoding];
  const exporter = createOtlpHttpExportDelegate(
    {
      url: config.url,
      headers: async () => ({ ...config.headers, 'content-type': mediaType }),
      compression: config.compression,
      timeoutMillis: config.timeoutMs,
      concurrencyLimit: BATCHES_AT_ONCE_MAX,
      agentFactory: httpAgentFactoryFromOptions({ keepAlive: true }),
      userAgent: config.userAgent,
    },
    serializer,
    'otlp_http_span_exporter',
    TraceExporterMetricsHelper,
    undefined,
  );
  const told = outageTold(config.url, observer);
  return {
    export(batch, done) {
      exporter.export(batch, (result) => {
        told(result, batch.length);
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
}

/** One line when an outage begins and one when it is over, however long it lasts. */
function outageTold(url: string, observer: Pick<Observer, 'noticed' | 'failed'>) {
  let lostSpans = 0;
  return ({ code, error }: ExportResult, spans: number) => {
    if (code === ExportResultCode.SUCCESS) {
      if (lostSpans > 0)
        observer.noticed('Traces reach the collector again.', { url, lost_spans: lostSpans });
      lostSpans = 0;
      return;
    }
    if (lostSpans === 0) {
      // Not the error itself: it may hold all that the collector answered.
      observer.failed('Traces do not reach the collector.', new Error(reasonOf(error)), { url });
    }
    lostSpans += spans;
  };
}

function reasonOf(error: (Error & { code?: unknown }) | undefined): string {
  const [message, code] = [error?.message || 'no answer', error?.code];
  const text = code === undefined || message.includes(String(code)) ? message : `${message} (${code})`;
  return text.slice(0, REASON_LENGTH_MAX);
}
