import * as z from 'zod';

/** A JSON Schema (2020-12), which is what OpenAPI 3.1 takes. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly additionalProperties?: boolean | Schema;
}

export type Schemas = Readonly<Record<string, Schema>>;

/** A schema of the contract as the document has it, and those that it names: they are the document's components. */
export interface Described {
  readonly schema: Schema;
  readonly named: Schemas;
}

/** What is taken (`input`) or answered (`output`), as JSON Schema. */
export function schemaOf(schema: z.ZodObject, io: 'input' | 'output'): Described {
  // What stands within another is referred to by its name, if it has one; at the top it would not be.
  const written = z.toJSONSchema(z.object({ it: schema }), {
    io,
    override: ({ jsonSchema }) => plain(jsonSchema, io),
  });
  const text = JSON.stringify(written).replaceAll('"#/$defs/', '"#/components/schemas/');
  const { properties, $defs = {} } = JSON.parse(text) as Written;
  const named = Object.entries($defs).map(([name, { id: _, ...rest }]) => [name, rest] as const);
  return { schema: properties.it, named: Object.fromEntries(named) };
}

interface Written {
  readonly properties: { readonly it: Schema };
  readonly $defs?: Readonly<Record<string, Schema & { readonly id?: string }>>;
}

/** Leaves out what helps no reader. */
function plain(schema: z.core.JSONSchema.BaseSchema, io: 'input' | 'output'): void {
  // Every integer is within these, or it is none in JSON.
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  // It says the same once more.
  if (schema.format !== undefined) delete schema.pattern;
  // Answers may get more members: a client must not stumble over one.
  if (io === 'output' && schema.additionalProperties === false) delete schema.additionalProperties;
}
