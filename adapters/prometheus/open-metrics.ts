import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { ABNORMAL_KINDS } from '#core/abnormal.ts';
import type { Metrics } from '#core/metrics.ts';
import type { Family } from './families-of.ts';
import { familiesOf } from './families-of.ts';
import { requestMetrics } from './request-metrics.ts';

/** The text exposition format, and the figures of this process from now on. */
export function openMetrics(): Metrics {
  const ofProcess = new Registry();
  collectDefaultMetrics({ register: ofProcess });
  const requestEnded = requestMetrics(ofProcess);
  const abnormal = new Counter({
    name: 'quota_proxy_abnormal_access_total',
    help: 'What was out of the ordinary: see GET /admin/status.',
    labelNames: ['kind'],
    registers: [ofProcess],
  });
  // From 0 on: an increase from nothing to 1 is none to Prometheus.
  for (const kind of ABNORMAL_KINDS) abnormal.inc({ kind }, 0);
  return {
    contentType: ofProcess.contentType,
    requestEnded,
    noticed: (kind) => abnormal.inc({ kind }),
    async text(figures) {
      // A registry for each text: what is no longer known must not stay, and two readers at once must not mix.
      const ofFigures = new Registry();
      for (const family of familiesOf(figures)) addFamily(ofFigures, family);
      return `${await ofFigures.metrics()}\n${await ofProcess.metrics()}`;
    },
  };
}

function addFamily(registry: Registry, { type, name, help, samples }: Family): void {
  const [first] = samples;
  // Made without labels, a metric of prom-client is 0 before it is set: one that is not known must not be made.
  if (first === undefined) return;
  const options = { name, help, labelNames: Object.keys(first.labels), registers: [registry] };
  if (type === 'counter') {
    const counter = new Counter(options);
    for (const { labels, value } of samples) counter.inc(labels, value);
  } else {
    const gauge = new Gauge(options);
    for (const { labels, value } of samples) gauge.set(labels, value);
  }
}
