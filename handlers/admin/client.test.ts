import { expect, test } from 'vitest';
import { openAdmin } from '#test/fakes/admin.ts';
import { AdminError, createAdminClient } from './client.ts';

const BASE = { baseUrl: 'http://proxy.test/', token: 'token' };

/** A client of something that always answers so. */
function clientOf(response: Response) {
  return createAdminClient({ ...BASE, fetch: async () => response });
}

test('sends what the contract says', async () => {
  const seen: Request[] = [];
  const fetch = async (request: Request) => {
    seen.push(request);
    return Response.json({ error: { message: 'no', code: 'no' } }, { status: 400 });
  };
  const client = createAdminClient({ ...BASE, baseUrl: 'http://proxy.test/prefix/', fetch });
  await expect(client.keys.patch({ params: { key: 'a/b?c' }, body: { label: 'é' } })).rejects.toThrow('no');
  await expect(client.keys.list({ query: { limit: 5, q: 'a&b' } })).rejects.toThrow('no');
  const [patch, list] = seen;
  expect(patch?.method).toBe('PATCH');
  expect(patch?.url).toBe('http://proxy.test/prefix/admin/keys/a%2Fb%3Fc');
  expect(patch?.headers.get('authorization')).toBe('Bearer token');
  expect(await patch?.json()).toEqual({ label: 'é' });
  expect(list?.url).toBe('http://proxy.test/prefix/admin/keys?limit=5&q=a%26b');
});

test('takes no calls that the contract does not know', () => {
  const client = clientOf(new Response());
  const calls = [
    // @ts-expect-error: a key must be named
    () => client.keys.get(),
    // @ts-expect-error: a body is needed
    () => client.sponsor.put({}),
    // @ts-expect-error: there is no such member
    () => client.keys.create({ body: { lable: 'Ada' } }),
  ];
  expect(calls).toHaveLength(3);
});

test("an error carries the server's message, status and code", async () => {
  const { proxy, admin } = await openAdmin();
  const error = await admin.keys.get({ params: { key: 'unknown' } }).catch((thrown: unknown) => thrown);
  await proxy.close();
  expect(error).toBeInstanceOf(AdminError);
  expect(error).toMatchObject({ status: 404, code: 'key_not_found' });
  expect(String(error)).toContain('There is no such key.');
});

test.each([
  ['a page', new Response('<html>', { status: 200 })],
  ['another error', Response.json({ detail: 'x' }, { status: 500 })],
  ['a redirect', new Response(null, { status: 301 })],
  ['another JSON', Response.json({ items: 1 })],
])('%s is no answer of the proxy', async (_, response) => {
  await expect(clientOf(response).keys.list()).rejects.toMatchObject({ code: 'not_understood' });
});

test('a server of another version, or one that does not show itself, is told from a wrong command', async () => {
  const error = { code: 'unknown_url', message: 'Unknown request URL: GET /admin/keys.' };
  const older = clientOf(Response.json({ error }, { status: 404 })).keys.list();
  await expect(older).rejects.toMatchObject({
    code: 'unknown_url',
    message: expect.stringMatching(
      /GET \/admin\/keys\. Is the server as new as this program, .*ADMIN_ALLOWED_IPS/,
    ),
  });
  const newer = clientOf(Response.json({ items: [{ id: 1 }], next_cursor: null })).keys.list();
  await expect(newer).rejects.toThrow(/is not one that this version .* the server as new as this program\?$/);
});

test('no answer is told with the address', async () => {
  const fetch = async () => {
    throw new TypeError('fetch failed');
  };
  const client = createAdminClient({ ...BASE, fetch });
  await expect(client.status.get()).rejects.toThrow('There is no answer from http://proxy.test/.');
});

test('an address that is none is told at once', () => {
  const fetch = async () => new Response();
  expect(() => createAdminClient({ ...BASE, baseUrl: 'localhost', fetch })).toThrow(
    'localhost is no address',
  );
});
