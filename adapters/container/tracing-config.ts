import { described, type GivenSettings } from './given-settings.ts';

/** Where traces go, and of what, as OpenTelemetry's own variables say it. */
export interface TracingConfig {
  readonly url: string;
  readonly encoding: 'protobuf' | 'json';
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'gzip' | 'none';
  readonly timeoutMs: number;
  readonly delayMs: number;
  readonly sampling: { readonly ratio: number; readonly parentDecides: boolean };
  readonly resource: Readonly<Record<string, string>>;
}

/** Shorter ones are words such as a tenant's name, which the log may need. */
const SECRET_LENGTH_MIN = 8;

/** What of it must never be written anywhere: the headers, and a credential without its scheme. */
export function secretsIn({ headers }: TracingConfig): readonly string[] {
  return Object.values(headers)
    .flatMap((value) => [value, value.split(' ').at(-1) ?? ''])
    .filter((secret) => secret.length >= SECRET_LENGTH_MIN);
}

/** What an operator may expect to work, and must not be ignored in silence. */
const UNSUPPORTED = ['CERTIFICATE', 'CLIENT_CERTIFICATE', 'CLIENT_KEY'];

/**
 * What the settings say of tracing; `null` where no endpoint is set, or tracing is switched off: then the rest says
 * nothing. Problems are added to `problems`.
 */
export function tracingConfigOf(given: GivenSettings, problems: string[]): TracingConfig | null {
  const base = given['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const own = given['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];
  if (base === undefined && own === undefined) return null;
  const read: Reading = { given, problems };
  const isOff = chosen('OTEL_SDK_DISABLED', { true: true, false: false }, 'false', read);
  const isWanted = chosen('OTEL_TRACES_EXPORTER', { otlp: true, none: false }, 'otlp', read);
  if (isOff || !isWanted) return null;
  for (const name of UNSUPPORTED.flatMap(namesOf)) {
    if (given[name] === undefined) continue;
    problems.push(`${name} is set, and this version does not read it: unset it, and name the file of an authority \
in NODE_EXTRA_CA_CERTS`);
  }
  return {
    url:
      own === undefined
        ? urlIn('OTEL_EXPORTER_OTLP_ENDPOINT', '/v1/traces', read)
        : urlIn(own.name, '', read),
    encoding: chosen(nameOf('PROTOCOL', given), PROTOCOLS, 'http/protobuf', read),
    headers: headersIn(nameOf('HEADERS', given), read),
    compression: chosen(nameOf('COMPRESSION', given), { gzip: 'gzip', none: 'none' }, 'none', read),
    timeoutMs: wholeIn(nameOf('TIMEOUT', given), 10_000, read),
    delayMs: wholeIn('OTEL_BSP_SCHEDULE_DELAY', 5_000, read),
    sampling: samplingIn(read),
    resource: resourceIn(read),
  };
}

interface Reading {
  readonly given: GivenSettings;
  readonly problems: string[];
}

/** The name for traces alone, and the one for everything. */
function namesOf(what: string): readonly [string, string] {
  return [`OTEL_EXPORTER_OTLP_TRACES_${what}`, `OTEL_EXPORTER_OTLP_${what}`];
}

/** The name under which something is given: the one for traces goes first. */
function nameOf(what: string, given: GivenSettings): string {
  const [own, base] = namesOf(what);
  return given[own] === undefined ? base : own;
}

const PROTOCOLS = { 'http/protobuf': 'protobuf', 'http/json': 'json' } as const;

function chosen<T>(name: string, choices: Readonly<Record<string, T>>, otherwise: string, read: Reading): T {
  const value = read.given[name]?.value ?? otherwise;
  const choice = Object.hasOwn(choices, value) ? value : otherwise;
  if (choice !== value) {
    read.problems.push(`${described(name, read.given)}: must be ${Object.keys(choices).join(' or ')}`);
  }
  return choices[choice] as T;
}

/** The endpoint for everything has the path of each signal below it; the one for traces is complete. */
function urlIn(name: string, path: string, { given, problems }: Reading): string {
  const text = given[name]?.value ?? '';
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    // Its value is not shown: some hold a credential, wherever it is.
    problems.push(`${name}: must be a URL such as http://collector:4318${path === '' ? '/v1/traces' : ''}`);
    return text;
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    problems.push(
      `${name}: must hold no credentials, no query and no fragment: set OTEL_EXPORTER_OTLP_HEADERS`,
    );
  }
  return path === '' ? url.href : url.href.replace(/\/*$/, path);
}

function wholeIn(name: string, otherwise: number, { given, problems }: Reading): number {
  const text = given[name]?.value ?? String(otherwise);
  if (/^\d{1,6}$/.test(text) && Number(text) > 0) return Number(text);
  problems.push(`${described(name, given)}: must be a whole number of milliseconds from 1 to 999999`);
  return otherwise;
}

const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FIELD_VALUE = /^[\x20-\x7e]*$/;

function headersIn(name: string, { given, problems }: Reading): Readonly<Record<string, string>> {
  const pairs = pairsIn(given[name]?.value ?? '');
  const isRight = pairs?.every(([key, value]) => FIELD_NAME.test(key) && FIELD_VALUE.test(value));
  if (!isRight) {
    problems.push(
      `${described(name, given)}: must be such as api-key=…,x-tenant=…, each value percent-encoded`,
    );
  }
  return Object.fromEntries(pairs ?? []);
}

/** `OTEL_SERVICE_NAME` goes before a `service.name` among the attributes. */
function resourceIn({ given, problems }: Reading): Readonly<Record<string, string>> {
  const name = 'OTEL_RESOURCE_ATTRIBUTES';
  const pairs = pairsIn(given[name]?.value ?? '');
  if (pairs === undefined) {
    problems.push(`${described(name, given)}: must be such as deployment.environment.name=test,host.name=a, \
each value percent-encoded`);
  }
  const attributes = { 'service.name': 'quota-proxy', ...Object.fromEntries(pairs ?? []) };
  const service = given['OTEL_SERVICE_NAME']?.value;
  return service === undefined ? attributes : { ...attributes, 'service.name': service };
}

/** `undefined` if the text is no list of pairs. */
function pairsIn(text: string): readonly (readonly [string, string])[] | undefined {
  try {
    return text
      .split(',')
      .filter((pair) => pair.trim() !== '')
      .map((pair) => {
        const [, key, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
        if (key === undefined || value === undefined) throw new SyntaxError('no pair');
        return [key, decodeURIComponent(value)];
      });
  } catch {
    return undefined;
  }
}

const SAMPLERS: Readonly<Record<string, readonly [root: 'on' | 'off' | 'ratio', parentDecides: boolean]>> = {
  always_on: ['on', false],
  always_off: ['off', false],
  traceidratio: ['ratio', false],
  parentbased_always_on: ['on', true],
  parentbased_always_off: ['off', true],
  parentbased_traceidratio: ['ratio', true],
};

function samplingIn(read: Reading): TracingConfig['sampling'] {
  const [root, parentDecides] = chosen('OTEL_TRACES_SAMPLER', SAMPLERS, 'parentbased_always_on', read);
  if (root !== 'ratio') return { ratio: root === 'on' ? 1 : 0, parentDecides };
  const name = 'OTEL_TRACES_SAMPLER_ARG';
  const text = read.given[name]?.value ?? '1';
  const ratio = Number(text);
  if (/^\d*\.?\d+$/.test(text) && ratio <= 1) return { ratio, parentDecides };
  read.problems.push(
    `${described(name, read.given)}: must be a number from 0 to 1, the part of calls to sample`,
  );
  return { ratio: 1, parentDecides };
}
