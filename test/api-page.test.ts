import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Denial, Standing } from '#core/decision.ts';
import type { UpstreamFailureKind } from '#core/upstream.ts';
import { UpstreamFailure } from '#core/upstream.ts';
import type { Action, ActionGroup } from '#handlers/admin/contract/action.ts';
import { contract } from '#handlers/admin/contract.ts';
import type { Part } from '#handlers/admin/invalid.ts';
import { routesOf } from '#handlers/app.ts';
import { failureOf } from '#handlers/failure.ts';
import { refuse } from '#handlers/refusal.ts';
import type { ProxyUnderTest } from '#test/fakes/proxy.ts';
import { openProxy } from '#test/fakes/proxy.ts';
import { completion, sendJson } from '#test/fakes/upstream-server.ts';

const ROOT = join(import.meta.dirname, '..');
const AT = 1_795_611_269_329;

const groups: Readonly<Record<string, ActionGroup>> = contract;
const ACTIONS = Object.values(groups).flatMap((group) => Object.values(group));

const standing: Standing = { meter: 'tokens', period: 'day', limit: 9, used: 9, held: 0, resetsAt: AT + 1 };
const rate = { requestsPerMinute: 60, remaining: 0, resetMs: 60_000 };

/** One of each kind: a new one does not compile until it is here. */
const DENIALS: { readonly [Kind in Denial['kind']]: Extract<Denial, { kind: Kind }> } = {
  unknown_key: { kind: 'unknown_key' },
  deleted_key: { kind: 'deleted_key' },
  key_disabled: { kind: 'key_disabled' },
  key_expired: { kind: 'key_expired', expiredAt: AT },
  ip_not_allowed: { kind: 'ip_not_allowed', address: '203.0.113.7' },
  model_not_allowed: { kind: 'model_not_allowed', model: 'a', models: ['b'] },
  model_not_priced: { kind: 'model_not_priced', model: 'a' },
  too_many_in_flight: { kind: 'too_many_in_flight', maxConcurrency: 1 },
  rate_exceeded: { kind: 'rate_exceeded', rate, retryMs: 1000 },
  quota_exceeded: { kind: 'quota_exceeded', holder: 'key', standing, asked: 1 },
};

const FAILURES: Readonly<Record<UpstreamFailureKind, true>> = {
  unreachable: true,
  timed_out: true,
  broken: true,
  refused: true,
  aborted: true,
};

const PARTS: Readonly<Record<Part, true>> = { path: true, query: true, body: true };

/** With all that can be switched on. */
const OPEN = { applications: { perHour: 5, pendingMax: 9 } };

let proxy: ProxyUnderTest;
let routes: readonly string[];

beforeAll(async () => {
  proxy = await openProxy({
    behaviour: (_call, response) => sendJson(response, completion(3, 4)),
    policy: OPEN,
  });
  routes = routesOf(proxy.services).map(({ method, path }) => `${method} ${asPrinted(path)}`);
});

afterAll(() => proxy.close());

describe.each(['docs/api.md', 'docs/api.zh-CN.md'])('%s', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const sections = sectionsOf(text);
  const errors = [...text.matchAll(/^\| (\d{3}) \| `([a-z_]+)` \| `([a-z_]+)` \|/gm)].map(
    ([, status = '', type = '', code = '']) => ({ status: Number(status), type, code }),
  );

  test('every route is there, and none that does not exist', () => {
    const printed = [...text.matchAll(/`((?:GET|POST|PUT|PATCH|DELETE) \/[^`\s]*)`/g)];
    expect(new Set(printed.map(([, route]) => route))).toEqual(new Set(routes));
  });

  test.each(ACTIONS)('$method $path: its fields are there, and none that it does not take', (action) => {
    const section = sections.get(`${action.method} ${asPrinted(action.path)}`) ?? '';
    const taken = [...Object.keys(action.query.shape), ...Object.keys(action.body.shape)];
    expect(taken.filter((name) => !section.includes(`\`${name}\``))).toEqual([]);
    const sent = [...section.matchAll(/[?&](\w+)=/g)].map(([, name]) => name);
    expect(sent.filter((name) => name !== undefined && !taken.includes(name))).toEqual([]);
  });

  test.each(ACTIONS)(
    '$method $path: the answer that is shown is one, with every member',
    (action: Action) => {
      const section = sections.get(`${action.method} ${asPrinted(action.path)}`) ?? '';
      const examples = [...section.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(
        ([, example = '']) => example,
      );
      expect(examples).toHaveLength(1);
      const value = JSON.parse(examples[0] ?? '');
      expect(action.reply.parse(value)).toEqual(value);
    },
  );

  test.each(Object.values(DENIALS))('the refusal $kind is there as it is answered', async (denial) => {
    expect(errors).toContainEqual(await said(refuse(denial, AT)));
  });

  test('a quota of a minute is refused as a rate is, and said so', async () => {
    const minute = { ...DENIALS.quota_exceeded, standing: { ...standing, period: 'minute' as const } };
    expect(errors).toContainEqual(await said(refuse(minute, AT)));
  });

  test.each([...Object.keys(FAILURES), 'a bug'])('the failure %s is there as it is answered', (kind) => {
    const isKind = (name: string): name is UpstreamFailureKind => Object.hasOwn(FAILURES, name);
    const error = isKind(kind) ? new UpstreamFailure(kind, 'It failed.') : new Error(kind);
    const { status, type, code } = failureOf(error);
    expect(errors).toContainEqual({ status, type, code });
  });

  test('every error code of the sources is there, and none that is not in them', () => {
    expect(new Set(errors.map(({ code }) => code))).toEqual(codesInSources());
  });
});

async function said(reply: Response) {
  const { error } = (await reply.json()) as { error: { type: string; code: string } };
  return { status: reply.status, type: error.type, code: error.code };
}

/** `/admin/keys/:key` as a page writes it: `/admin/keys/{key}`. */
function asPrinted(path: string): string {
  return path.replace(/:(\w+)(\{\.\+\})?/g, '{$1}');
}

/** What stands under each heading that is a route. */
function sectionsOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    text
      .split(/^#{2,3} /m)
      .map((section) => [/^`([^`]+)`/.exec(section)?.[1] ?? '', section] as const)
      .filter(([heading]) => heading !== ''),
  );
}

/** The codes that stand in the sources where errors are made, wherever that is. An issue of a schema has one of its library's. */
function codesInSources(): ReadonlySet<string> {
  const files = ['handlers', 'adapters/container'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /(?<!\.test)\.ts$/.test(name))
      .map((name) => readFileSync(join(ROOT, folder, name), 'utf8')),
  );
  const codes = files.flatMap((source) =>
    [...source.matchAll(/(?<!\baddIssue\(\{\s*)\bcode: '([a-z_]+)'|\bproblem\(\s*\d{3},\s*'([a-z_]+)'/g)].map(
      ([, member, argument]) => member ?? argument ?? '',
    ),
  );
  return new Set([...codes, ...Object.keys(PARTS).map((part) => `invalid_${part}`)]);
}
