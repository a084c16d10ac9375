import { createAdminClient } from '#handlers/admin/client.ts';
import type { House } from './compose.ts';
import type { InFlight } from './in-flight.ts';

/** A key to try the demo upstream with, made where nobody has made one; `null` where somebody has. */
export async function demoKey({ app, services }: House, works: InFlight): Promise<string | null> {
  const { keys } = await services.health.status();
  const [token] = services.policy.adminTokens;
  if (keys > 0 || token === undefined) return null;
  const client = createAdminClient({
    baseUrl: 'http://localhost',
    token,
    fetch: async (request) => app.fetch(request, { address: '127.0.0.1', ready: true }, works),
  });
  const { key } = await client.keys.create({ body: { label: 'demo' } });
  return key;
}
