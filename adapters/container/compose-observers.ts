import { openLog } from '#adapters/log/open-log.ts';
import { systemClock } from '#adapters/system/system-clock.ts';
import { systemIds } from '#adapters/system/system-ids.ts';
import type { Observer } from '#core/observer.ts';
import type { Services } from '#handlers/services.ts';
import { secretsOf } from './backup-config.ts';
import type { Config } from './config.ts';
import { secretsIn } from './tracing-config.ts';
import { VERSION } from './version.ts';

const STDOUT = 1;
const USER_AGENT = `quota-proxy/${VERSION}`;

/** The log, which takes out every secret that there is. */
export function openLogOf(
  { logLevel, upstreams, backup, metricsTokens, webhook, tracing }: Config,
  adminTokens: readonly string[],
  pepper: string,
) {
  const secrets = [
    ...[...adminTokens, ...metricsTokens, pepper, webhook?.url, webhook?.secret],
    ...upstreams.map(({ apiKey }) => apiKey),
    ...(backup === null ? [] : secretsOf(backup)),
    ...(tracing === null ? [] : secretsIn(tracing)),
  ];
  const known = secrets.filter((secret) => typeof secret === 'string');
  return openLog({ level: logLevel, destination: STDOUT, secrets: known });
}

/** `null` where nobody is told. */
export async function openWebhookOf({ webhook }: Config, observer: Observer) {
  if (webhook === null) return null;
  const { openWebhook } = await import('#adapters/webhook/open-webhook.ts');
  const tools = { clock: systemClock, ids: systemIds, observer };
  return openWebhook({ ...webhook, userAgent: USER_AGENT }, tools);
}

/** Without tracing, nothing of what traces is loaded. */
export async function openTracerOf(
  { tracing }: Config,
  { clock, ids, observer }: Pick<Services, 'clock' | 'ids' | 'observer'>,
) {
  if (tracing === null) return null;
  const { openTracer } = await import('#adapters/opentelemetry/open-tracer.ts');
  const own = { 'service.version': VERSION, 'service.instance.id': ids.next() };
  return openTracer(
    {
      ...tracing,
      resource: { ...own, ...tracing.resource },
      version: VERSION,
      userAgent: USER_AGENT,
    },
    { clock, observer },
  );
}
