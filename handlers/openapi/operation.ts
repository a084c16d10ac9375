import type { Route } from '../route.ts';
import type { Schema, Schemas } from './schema-of.ts';

/** A route as OpenAPI describes one (OpenAPI 3.1, Operation Object). */
export interface Operation {
  readonly operationId: string;
  /** The group that it is shown in. */
  readonly tags: readonly [string];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly Readonly<Record<string, readonly []>>[];
  readonly parameters?: readonly (Parameter | Reference)[];
  readonly requestBody?: RequestBody;
  readonly responses: Readonly<Record<string, Reply>>;
  /** Other paths of the same route: those without the `/v1`. */
  readonly 'x-also-at'?: readonly string[];
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: Schema;
  readonly example?: unknown;
}

export interface Reference {
  readonly $ref: string;
}

export interface RequestBody {
  readonly required: boolean;
  readonly content: Readonly<Record<string, Content>>;
}

export interface Content {
  readonly schema: Schema;
  readonly example?: unknown;
  /** By the code of the error; the document has each of them once. */
  readonly examples?: Readonly<Record<string, Reference>>;
}

/** An example of an error: what it means, and what is answered. */
export interface Example {
  readonly summary: string;
  readonly value: unknown;
}

export interface Reply {
  readonly description: string;
  readonly headers?: Readonly<Record<string, Reference>>;
  readonly content?: Readonly<Record<string, Content>>;
}

/** An operation where it is, and the schemas that it refers to. */
export interface Documented {
  readonly method: Route['method'];
  /** With its parameters as OpenAPI writes them: `/admin/keys/{key}`. */
  readonly path: string;
  readonly operation: Operation;
  readonly schemas: Schemas;
}

/** What a route must show to be let in, as OpenAPI names it. Any one of them is enough. */
export const SECURITY = {
  public: [],
  key: [{ key: [] }, { keyInXApiKey: [] }, { keyInXTrialKey: [] }],
  admin: [{ adminToken: [] }],
  metrics: [{ metricsToken: [] }, { adminToken: [] }],
} as const satisfies Record<Route['access'], Operation['security']>;

/** `/admin/keys/:key` as OpenAPI writes it: `/admin/keys/{key}`. */
export function openapiPath(path: string): string {
  return path.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}');
}
