import type { StoreHealth } from '#core/ports.ts';
import { json } from './reply.ts';
import type { Exchange, Route } from './route.ts';
import type { Services } from './services.ts';
import { noticeStore, storeIsWell } from './store-trouble.ts';

const NO_STORE = { 'cache-control': 'no-store' };

/**
 * `/healthz` and `/readyz` say whether this process can serve and its store can commit;
 * `/livez` only that it is there: what a restart cannot mend must not cause one.
 */
export function healthRoutes({
  health,
  observer,
  troubles,
}: Pick<Services, 'health' | 'observer' | 'troubles'>): readonly Route[] {
  async function handle({ env, requestId }: Exchange): Promise<Response> {
    const trouble = await troubleOf(health);
    if (trouble === undefined) storeIsWell(troubles);
    else if (!noticeStore(trouble.error, troubles)) {
      observer.failed('the store cannot commit', trouble.error, { request_id: requestId });
    }
    const checks = { process: env.ready ? 'ok' : 'stopping', store: trouble === undefined ? 'ok' : 'failed' };
    const ok = env.ready && trouble === undefined;
    return ok ? json(200, { ok }, NO_STORE) : json(503, { ok, checks }, NO_STORE);
  }
  return [
    { method: 'GET', path: '/healthz', access: 'public', handle },
    { method: 'GET', path: '/readyz', access: 'public', handle },
    { method: 'GET', path: '/livez', access: 'public', handle: () => json(200, { ok: true }, NO_STORE) },
  ];
}

async function troubleOf(health: StoreHealth): Promise<{ readonly error: unknown } | undefined> {
  try {
    await health.check();
    return undefined;
  } catch (error) {
    return { error };
  }
}
