import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ENDPOINT_SPECIMENS } from '#test/fakes/endpoint-specimens.ts';
import type { Reading } from './endpoints.ts';
import { dialectAt, ENDPOINTS } from './endpoints.ts';
import { membersOf } from './json-members.ts';

test('each endpoint has a specimen that these tests try', () => {
  expect(ENDPOINT_SPECIMENS.map(({ path }) => path)).toEqual(ENDPOINTS.map(({ path }) => path));
});

test.each([
  { path: '/v1/messages', dialect: 'anthropic' },
  { path: '/messages', dialect: 'anthropic' },
  { path: '/v1/messages/count_tokens', dialect: 'anthropic' },
  { path: '/v1/messagesx', dialect: 'openai' },
  { path: '/v1/chat/completions', dialect: 'openai' },
  { path: '/admin/keys', dialect: 'openai' },
])('at $path errors are $dialect', ({ path, dialect }) => {
  expect(dialectAt(path)).toBe(dialect);
});

describe.each(ENDPOINT_SPECIMENS)('$path', ({ path, body, answer, usage, counted, ...specimen }) => {
  const endpoint = ENDPOINTS.find((each) => each.path === path);
  if (endpoint === undefined) throw new Error(`no endpoint at ${path}`);

  function read(value: unknown): Reading {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return (
      endpoint?.read(text, Buffer.byteLength(text)) ?? { ok: false, problem: { message: '', param: '' } }
    );
  }

  function understood(value: unknown) {
    const reading = read(value);
    if (!reading.ok) throw new Error(reading.problem.message);
    return reading.request;
  }

  test('the specimen is understood, and its input is bounded by its bytes', () => {
    const { call } = understood(body);
    expect(call).toMatchObject({ endpoint: path, model: 'demo', stream: false, choices: 1 });
    expect(call.inputTokensMax).toBe(Buffer.byteLength(JSON.stringify(body)));
    expect(call.outputTokensMax).toBe(path === '/v1/embeddings' ? 0 : 16);
  });

  test.each([
    { param: 'model', wrong: [undefined, null, '', 7, ['m'], 'm'.repeat(257)] },
    { param: 'models', wrong: [['dear'], 'dear'] },
    { param: 'Model', wrong: ['dear'] },
  ])('a wrong $param is refused by name', ({ param, wrong }) => {
    for (const value of wrong) {
      expect(read({ ...body, [param]: value })).toMatchObject({ ok: false, problem: { param } });
    }
  });

  test('a member that is given twice is refused, wherever it is', () => {
    const text = JSON.stringify(body);
    expect(read(text.replace('{', '{"model":"a",'))).toMatchObject({ problem: { param: 'model' } });
    expect(read(text.replace('{', '{"user":{"a":1,"a":2},'))).toMatchObject({ problem: { param: null } });
  });

  test('every byte reaches the upstream, but for what is set', () => {
    // What is set anyway is set: then there is nothing left to set.
    const settled = {
      ...body,
      store: false,
      stream: path !== '/v1/embeddings',
      stream_options: { include_usage: true },
    };
    const extra = fc.dictionary(
      fc.string().map((name) => `x${name}`),
      fc.jsonValue({ maxDepth: 3 }),
    );
    const space = fc.constantFrom('', ' ', '\n', '\t ');
    fc.assert(
      fc.property(extra, space, fc.nat(9_999), (members, gap, bound) => {
        const list = Object.entries({ ...settled, ...members });
        const text = `{${gap}${list
          .map(([name, value]) => `${JSON.stringify(name)}${gap}:${gap}${JSON.stringify(value)}`)
          .join(`${gap},`)}${gap}}`;
        const request = understood(text);
        expect(request.bodyFor(null)).toBe(text);
        const changed = request.bodyFor(bound);
        if (path === '/v1/embeddings') expect(changed).toBe(text);
        expect(withoutBounds(changed)).toEqual(withoutBounds(text));
      }),
    );
  });

  test('usage is read from a whole answer', () => {
    expect(endpoint.usageOf(JSON.parse(answer(usage)))).toEqual(counted);
    expect(endpoint.usageOf(JSON.parse(answer(specimen.zeroOutput)))).toMatchObject({
      prompt: 30,
      completion: 0,
    });
    expect(endpoint.usageOf(JSON.parse(answer(null)))).toBeNull();
    for (const answered of [null, 7, 'usage', [], {}, { usage: 5 }, { usage: 'plenty' }]) {
      expect(endpoint.usageOf(answered)).toBeNull();
    }
  });

  test('a count that cannot be is not believed, nor those beside it', () => {
    expect(specimen.incredible.length).toBeGreaterThan(4);
    for (const wrong of specimen.incredible) expect(endpoint.usageOf(JSON.parse(answer(wrong)))).toBeNull();
  });
});

/** The texts of all members but the bounds on output. */
function withoutBounds(text: string): readonly string[] {
  return membersOf(text)
    .list.filter(({ name }) => !name.startsWith('max_'))
    .map(({ start, end }) => text.slice(start, end));
}
