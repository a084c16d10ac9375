import type { Endpoint } from '#core/endpoints.ts';
import type { ActionGroup } from '../admin/contract/action.ts';
import { IDEMPOTENCY_KEY_FORMS } from '../admin/idempotency-key.ts';
import { adminOperations } from './admin-operations.ts';
import { HEADERS } from './answer-headers.ts';
import { applicantOperations } from './applicant-operations.ts';
import { clientOperations } from './client-operations.ts';
import { ERROR_EXAMPLES } from './error-rows.ts';
import type { Documented, Operation, Parameter } from './operation.ts';
import type { Schema, Schemas } from './schema-of.ts';
import { serverOperations } from './server-operations.ts';

/** An OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1), as far as this proxy needs one. */
export interface OpenapiDocument {
  readonly openapi: '3.1.1';
  readonly info: Readonly<Record<string, unknown>> & { readonly title: string; readonly version: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Schemas;
    readonly headers: typeof HEADERS;
    readonly examples: typeof ERROR_EXAMPLES;
    readonly parameters: Readonly<Record<string, Parameter>>;
    readonly securitySchemes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };
}

export interface Documentable {
  readonly version: string;
  readonly endpoints: readonly Endpoint[];
  readonly contract: Readonly<Record<string, ActionGroup>>;
}

/** Both APIs, from the tables that they are served from. */
export function openapiDocument({ version, endpoints, contract }: Documentable): OpenapiDocument {
  const documented = [
    ...clientOperations(endpoints),
    ...applicantOperations,
    ...adminOperations(contract),
    ...serverOperations,
  ];
  return {
    openapi: '3.1.1',
    info: {
      title: 'quota-proxy',
      version,
      summary: 'Share one upstream LLM key with many people, and never overspend it.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: tagsOf(documented),
    paths: pathsOf(documented),
    components: {
      schemas: Object.assign(
        { Error: ERROR, AnthropicError: ANTHROPIC_ERROR },
        ...documented.map(({ schemas }) => schemas),
      ),
      headers: HEADERS,
      examples: ERROR_EXAMPLES,
      parameters: { 'Idempotency-Key': IDEMPOTENCY_KEY },
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

const TAGS: Readonly<Record<string, string>> = {
  client: 'What the holder of a key calls: any OpenAI client works unchanged.',
  keys: 'Making keys, looking at them, changing and deleting them.',
  applications: 'Asking for a key, and deciding who gets one. Only where `APPLICATIONS` is true.',
  usage: 'What was used, and starting it anew.',
  requests: 'Receipts: all that is known of single requests.',
  sponsor: 'What all keys together may use.',
  operations: 'The log of what was done through the admin API.',
  backups: 'Copies of the database in the vault.',
  status: 'How the proxy is.',
  server: 'Health, figures and this description.',
};

function tagsOf(documented: readonly Documented[]): OpenapiDocument['tags'] {
  const names = new Set(documented.map(({ operation }) => operation.tags[0]));
  return [...names].map((name) => ({ name, description: TAGS[name] ?? `Admin API: ${name}.` }));
}

function pathsOf(documented: readonly Documented[]): OpenapiDocument['paths'] {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const { path, method, operation } of documented) {
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation };
  }
  return paths;
}

const ERROR: Schema = {
  type: 'object',
  description: "OpenAI's error object: everywhere but where Anthropic's clients call",
  properties: {
    error: {
      type: 'object',
      properties: {
        message: { type: 'string', description: 'What is wrong, and what to do' },
        type: { type: 'string' },
        param: { type: ['string', 'null'], description: 'The member that is wrong' },
        code: { type: ['string', 'null'], description: 'Names the reason, for programs' },
      },
      required: ['message', 'type', 'param', 'code'],
    },
  },
  required: ['error'],
};

const ANTHROPIC_ERROR: Schema = {
  type: 'object',
  description: "Anthropic's error object",
  properties: {
    type: { type: 'string', const: 'error' },
    error: {
      type: 'object',
      properties: {
        type: { type: 'string', description: 'Follows from the status' },
        message: { type: 'string', description: 'What is wrong, and what to do' },
        details: {
          type: 'object',
          properties: { error_code: { type: 'string', description: 'Names the reason, for programs' } },
          required: ['error_code'],
        },
      },
      required: ['type', 'message', 'details'],
    },
    request_id: { type: 'string', description: 'As in `x-request-id`' },
  },
  required: ['type', 'error', 'request_id'],
};

const IDEMPOTENCY_KEY: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'A text of your own, of 1 to 255 printable characters, such as a UUID. The same call again within a day with the same text is answered as before, and done once. In quotes it may have spaces, commas and escaped quotes, and is the same text.',
  schema: {
    anyOf: IDEMPOTENCY_KEY_FORMS.map(({ source: pattern }): Schema => ({ type: 'string', pattern })),
  },
  example: '8e03978e-40d5-43e8-bc93-6894a57f9324',
};

const SECURITY_SCHEMES = {
  key: { type: 'http', scheme: 'bearer', description: 'A key, as OpenAI clients send it' },
  keyInXApiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'The same key' },
  keyInXTrialKey: { type: 'apiKey', in: 'header', name: 'x-trial-key', description: 'The same key' },
  adminToken: { type: 'http', scheme: 'bearer', description: 'One of the tokens in ADMIN_TOKEN' },
  metricsToken: { type: 'http', scheme: 'bearer', description: 'METRICS_TOKEN, for `/metrics` alone' },
};
