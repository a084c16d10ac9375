import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configProblems } from '#test/fakes/config-problems.ts';
import { readConfig } from './config.ts';
import { secretsIn, type TracingConfig } from './tracing-config.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

type Variables = Readonly<Record<string, string>>;

function tracingOf(env: Variables): TracingConfig {
  const { tracing } = readConfig({ ...ENDPOINT, ...env });
  if (tracing === null) throw new Error('nothing is traced');
  return tracing;
}

test('an endpoint alone: everything by its default', () => {
  expect(tracingOf({})).toEqual({
    url: 'http://collector:4318/v1/traces',
    encoding: 'protobuf',
    headers: {},
    compression: 'none',
    timeoutMs: 10_000,
    delayMs: 5_000,
    sampling: { ratio: 1, parentDecides: true },
    resource: { 'service.name': 'quota-proxy' },
  });
});

test.each([
  {
    OTEL_EXPORTER_OTLP_ENDPOINT: '',
    OTEL_TRACES_SAMPLER: 'none of all',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
  },
  { ...ENDPOINT, OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
  { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_CERTIFICATE: '/ca.pem' },
])('nothing is traced, and the rest says nothing: %o', (env) => {
  expect(readConfig(env).tracing).toBeNull();
});

test.each<{ env: Variables; tracing: Partial<TracingConfig> }>([
  {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://otlp.example/otlp/' },
    tracing: { url: 'https://otlp.example/otlp/v1/traces' },
  },
  {
    env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://tempo:4318/as/it/is' },
    tracing: { url: 'http://tempo:4318/as/it/is' },
  },
  { env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, tracing: { encoding: 'json' } },
  {
    env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' },
    tracing: { encoding: 'json' },
  },
  { env: { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }, tracing: { compression: 'gzip' } },
  {
    env: { OTEL_EXPORTER_OTLP_TIMEOUT: '2000', OTEL_BSP_SCHEDULE_DELAY: '100' },
    tracing: { timeoutMs: 2_000, delayMs: 100 },
  },
  {
    env: { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20abc%3D, x-tenant = a ,' },
    tracing: { headers: { authorization: 'Basic abc=', 'x-tenant': 'a' } },
  },
  {
    env: { OTEL_EXPORTER_OTLP_HEADERS: 'a=1', OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=2' },
    tracing: { headers: { b: '2' } },
  },
  {
    env: { OTEL_RESOURCE_ATTRIBUTES: 'service.name=a,deployment.environment.name=on%20test' },
    tracing: { resource: { 'service.name': 'a', 'deployment.environment.name': 'on test' } },
  },
  {
    env: { OTEL_RESOURCE_ATTRIBUTES: 'service.name=a', OTEL_SERVICE_NAME: 'b' },
    tracing: { resource: { 'service.name': 'b' } },
  },
  { env: { OTEL_TRACES_SAMPLER: 'always_on' }, tracing: { sampling: { ratio: 1, parentDecides: false } } },
  {
    env: { OTEL_TRACES_SAMPLER: 'parentbased_always_off' },
    tracing: { sampling: { ratio: 0, parentDecides: true } },
  },
  {
    env: { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '.25' },
    tracing: { sampling: { ratio: 0.25, parentDecides: false } },
  },
])('$env', ({ env, tracing }) => {
  expect(tracingOf(env)).toMatchObject(tracing);
});

test.each<{ env: Variables; problem: string }>([
  {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317?token=hidden-credential' },
    problem: 'OTEL_EXPORTER_OTLP_ENDPOINT: must be a URL such as http://collector:4318',
  },
  {
    env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'tempo' },
    problem: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: must be a URL such as http://collector:4318/v1/traces',
  },
  {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://me:hidden-credential@collector:4318' },
    problem:
      'OTEL_EXPORTER_OTLP_ENDPOINT: must hold no credentials, no query and no fragment: set OTEL_EXPORTER_OTLP_HEADERS',
  },
  {
    env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    problem: "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc': must be http/protobuf or http/json",
  },
  {
    env: { OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' },
    problem: "OTEL_EXPORTER_OTLP_COMPRESSION is 'zstd': must be gzip or none",
  },
  {
    env: { OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '10s' },
    problem:
      "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT is '10s': must be a whole number of milliseconds from 1 to 999999",
  },
  {
    env: { OTEL_EXPORTER_OTLP_HEADERS: 'Authorization: Bearer hidden-credential' },
    problem: 'OTEL_EXPORTER_OTLP_HEADERS: must be such as api-key=…,x-tenant=…, each value percent-encoded',
  },
  {
    env: { OTEL_EXPORTER_OTLP_HEADERS: 'api-key=hidden-credential%0Ax' },
    problem: 'OTEL_EXPORTER_OTLP_HEADERS: must be such as api-key=…,x-tenant=…, each value percent-encoded',
  },
  {
    env: { OTEL_RESOURCE_ATTRIBUTES: 'a=%' },
    problem:
      "OTEL_RESOURCE_ATTRIBUTES is 'a=%': must be such as deployment.environment.name=test,host.name=a, each value percent-encoded",
  },
  {
    env: { OTEL_TRACES_SAMPLER: 'jaeger_remote' },
    problem:
      "OTEL_TRACES_SAMPLER is 'jaeger_remote': must be always_on or always_off or traceidratio or " +
      'parentbased_always_on or parentbased_always_off or parentbased_traceidratio',
  },
  {
    env: { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '25' },
    problem: "OTEL_TRACES_SAMPLER_ARG is '25': must be a number from 0 to 1, the part of calls to sample",
  },
  {
    env: { OTEL_TRACES_EXPORTER: 'zipkin' },
    problem: "OTEL_TRACES_EXPORTER is 'zipkin': must be otlp or none",
  },
  {
    env: { OTEL_EXPORTER_OTLP_CERTIFICATE: '/ca.pem' },
    problem:
      'OTEL_EXPORTER_OTLP_CERTIFICATE is set, and this version does not read it: unset it, and name the file of an ' +
      'authority in NODE_EXTRA_CA_CERTS',
  },
])('refused: $env', ({ env, problem }) => {
  expect(configProblems({ ...ENDPOINT, ...env })).toEqual([problem]);
});

test('all problems are told at once, with those of everything else', () => {
  const env = { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_TRACES_SAMPLER: 'x', PORT: 'y' };
  expect(configProblems(env)).toHaveLength(3);
});

test('the headers are secrets, with and without the scheme; a short word is none', () => {
  const headers = 'authorization=Basic%20bWU6c2VjcmV0,x-tenant=a';
  expect(secretsIn(tracingOf({ OTEL_EXPORTER_OTLP_HEADERS: headers }))).toEqual([
    'Basic bWU6c2VjcmV0',
    'bWU6c2VjcmV0',
  ]);
});

const NAMES = [
  'OTEL_SDK_DISABLED',
  'OTEL_TRACES_EXPORTER',
  ...['ENDPOINT', 'HEADERS', 'PROTOCOL', 'COMPRESSION', 'TIMEOUT'].map(
    (what) => `OTEL_EXPORTER_OTLP_${what}`,
  ),
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
  'OTEL_BSP_SCHEDULE_DELAY',
  'OTEL_SERVICE_NAME',
  'OTEL_RESOURCE_ATTRIBUTES',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
];

test.each(['.env.example', 'docker-compose.yml'])('%s has all settings of tracing', (file) => {
  const text = readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
  expect(NAMES.filter((name) => !text.includes(name))).toEqual([]);
});
