import type { Quota } from '#core/model.ts';
import { METERS, PERIODS } from '#core/model.ts';
import { idOf } from '#test/conformance/specimens.ts';
import type { Chance } from './chance.ts';
import { ADMIN_TOKEN } from './simulated-process.ts';
import type { World } from './world.ts';

/** A call with a key's secret, or with the admin token where the path is an admin's. */
export async function send(
  { process, keys }: World,
  method: string,
  path: string,
  key: number,
  body?: object,
): Promise<Response> {
  const isAdmin = path.startsWith('/admin');
  const text = JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${isAdmin ? ADMIN_TOKEN : keys[key]?.secret}`,
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(text.length) }),
  };
  const request = new Request(`http://proxy${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: text }),
  });
  return process.app.fetch(request, { address: '203.0.113.7', ready: true }, process.ctx);
}

/** A client: asks, reads what comes, and may lose its patience. */
export async function ask(world: World): Promise<void> {
  const { chance, asked, naive, process, failures } = world;
  const content = `question ${asked.size}`;
  const stream = chance.happens(0.4);
  const body = {
    model: 'm',
    messages: [{ role: 'user', content }],
    stream,
    ...(chance.happens(0.6) ? { max_tokens: chance.between(16, 50) } : {}),
    ...(chance.happens(0.2) ? { n: 2 } : {}),
  };
  const chunksMax = chance.happens(0.3) ? chance.between(0, 5) : Number.POSITIVE_INFINITY;
  const answer = send(world, 'POST', '/v1/chat/completions', chance.between(0, 2), body);
  const id = idOf('request', world.lastId);
  asked.set(content, id);
  const reply = await answer;
  if (!process.isAlive()) return;
  world.answers += 1;
  if (reply.status === 200 && !naive.isReserved(id)) failures.push(`${id} was answered, and is in no ledger`);
  if (reply.status === 500 && (await reply.clone().text()).includes('internal_error')) {
    failures.push(`${id} met an error of ours`);
  }
  const reader = reply.body?.getReader();
  for (let chunks = 0; chunks < chunksMax; chunks += 1) if ((await reader?.read())?.done !== false) return;
  await reader?.cancel();
}

/** The operator changes something. */
export async function administer(world: World): Promise<void> {
  const { chance, keys } = world;
  const key = chance.between(0, 2);
  const id = keys[key]?.key.id ?? '';
  switch (chance.weighed({ quotas: 4, sponsor: 2, disabled: 2, reset: 1 })) {
    case 'quotas':
      return void (await send(world, 'PATCH', `/admin/keys/${id}`, key, { quotas: someQuotas(chance) }));
    case 'sponsor':
      return void (await send(world, 'PUT', '/admin/sponsor', key, { quotas: someQuotas(chance) }));
    case 'disabled':
      return void (await send(world, 'PATCH', `/admin/keys/${id}`, key, { disabled: chance.happens(0.3) }));
    case 'reset':
      return void (await send(world, 'POST', '/admin/usage/reset', key, { key: id }));
  }
}

/** At most three limits, some of which are soon reached. */
export function someQuotas(chance: Chance): readonly Quota[] {
  return Array.from({ length: chance.between(0, 3) }, () => {
    const meter = chance.one(METERS);
    const limit = chance.between(0, meter === 'requests' ? 25 : 4_000);
    return { meter, period: chance.one(PERIODS), limit };
  });
}
