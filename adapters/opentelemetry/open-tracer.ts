import { setTimeout as pause } from 'node:timers/promises';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Observer } from '#core/observer.ts';
import type { Clock } from '#core/ports.ts';
import { PROBES } from '#core/probes.ts';
import type { Trace, Tracer } from '#core/tracing.ts';
import type { Following } from './follow-call.ts';
import { followCall } from './follow-call.ts';
import type { ExporterConfig } from './open-exporter.ts';
import { openExporter } from './open-exporter.ts';
import type { Sampling } from './sampler-of.ts';
import { samplerOf } from './sampler-of.ts';
import { tellDiagnostics } from './tell-diagnostics.ts';

export interface TracerConfig extends ExporterConfig {
  /** The longest that a span waits for others to be sent with. */
  readonly delayMs: number;
  readonly sampling: Sampling;
  /** What all spans say of this process: `service.name` and others. */
  readonly resource: Readonly<Record<string, string>>;
  readonly version: string;
}

export interface OpenTracer extends Tracer {
  /** Sends what waits, if the collector takes it in time, and lets go of it. */
  close(): Promise<void>;
}

interface Tools {
  readonly clock: Clock;
  readonly observer: Pick<Observer, 'noticed' | 'failed'>;
}

/** Ended spans that wait: what comes beyond that is dropped, so that an outage fills no memory. */
const QUEUE_SPANS_MAX = 2048;
const BATCH_SPANS_MAX = 512;
/** Clients choose the names of models, of any length. */
const ATTRIBUTE_LENGTH_MAX = 256;
const LAST_SPANS_MS_MAX = 3_000;

/** Follows calls by OpenTelemetry's SDK. It is told everything: no spans but these, and nothing read from outside. */
export function openTracer(config: TracerConfig, { clock, observer }: Tools): OpenTracer {
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes(config.resource)),
    sampler: samplerOf(config.sampling),
    spanLimits: { attributeValueLengthLimit: ATTRIBUTE_LENGTH_MAX },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: openExporter(config, observer),
        scheduledDelayMillis: config.delayMs,
        maxQueueSize: QUEUE_SPANS_MAX,
        maxExportBatchSize: BATCH_SPANS_MAX,
      }),
    ],
  });
  const maker = provider.getTracer('quota-proxy', config.version);
  const diagnostics = tellDiagnostics(clock, observer);
  const following: Following = { maker, clock };
  const guard = guardOf(observer);
  return {
    begin(call) {
      if (PROBES.has(call.route)) return null;
      return guard(() => guarded(followCall(following, call), guard), null);
    },
    async close() {
      // What fails has been told.
      const sent = provider.shutdown().catch(() => {});
      if (!(await endsInTime(sent))) {
        observer.noticed('The last traces were not sent: the collector did not take them in time.', {
          url: config.url,
        });
      }
      diagnostics[Symbol.dispose]();
    },
  };
}

type Guard = <T>(work: () => T, otherwise: T) => T;

/** A call is served whether it can be followed or not. What goes wrong is told once. */
function guardOf(observer: Pick<Observer, 'failed'>): Guard {
  let told = false;
  return (work, otherwise) => {
    try {
      return work();
    } catch (error) {
      if (!told) observer.failed('A call could not be traced.', error, {});
      told = true;
      return otherwise;
    }
  };
}

function guarded(trace: Trace, guard: Guard): Trace {
  return {
    reserved: (askedMs) => guard(() => trace.reserved(askedMs), undefined),
    sent: (asked) => guard(() => trace.sent(asked), {}),
    passedOver: (outcome) => guard(() => trace.passedOver(outcome), undefined),
    answered: (answer) => guard(() => trace.answered(answer), undefined),
    ended: (event) => guard(() => trace.ended(event), undefined),
  };
}

async function endsInTime(work: Promise<void>): Promise<boolean> {
  const timer = new AbortController();
  const late = pause(LAST_SPANS_MS_MAX, false, { signal: timer.signal }).catch(() => false);
  const inTime = await Promise.race([work.then(() => true), late]);
  timer.abort();
  return inTime;
}
