import type { Schema, Schemas } from './schema-of.ts';

const AT = 1_795_611_269_934;

/** What texts look like whose schema does not say so, by the end of their name. */
const TEXTS: readonly (readonly [RegExp, string])[] = [
  [/^(id|key_id)$/, '01a212c5-98d2-704d-8df6-c54d94e6340d'],
  [/^key$/, 'sk-ab12…wxyz'],
  [/^secret$/, 'sk-4f9a1c7be02d4d55a8c3'],
  [/label$/, 'Ada'],
  [/models?$/, 'deepseek-chat'],
  [/^(day|today)$/, '2026-11-25'],
  [/zone$/, 'UTC'],
  [/ips$/, '203.0.113.0/24'],
  [/address$/, '203.0.113.7'],
  [/version$/, '2026-11'],
  [/endpoint$/, '/v1/chat/completions'],
  [/(base_)?url$/, 'https://api.deepseek.com/v1'],
  [/location$/, 's3://quota-proxy/main'],
  [/path$/, '/data/quota.db'],
  [/(engine|mode)$/, 'sqlite'],
  [/lineage$/, 'ccdbcbc5a7954064b04f7747f4deaf45'],
  [/actor$/, 'admin@203.0.113.7'],
  [/action$/, 'keys.create'],
];

/** What is mostly `null` where it can be. */
const MOSTLY_NULL =
  /^(deleted_at|models|ips|requests_per_minute|max_concurrency|next_cursor|trouble|reason|overdraft|broken_at)$/;

/** A value that a schema takes, such as one would meet: its own example, or one made from what it says. */
export function exampleOf(schema: Schema, named: Schemas, name = ''): unknown {
  const { examples, anyOf, $ref } = schema;
  if (examples !== undefined) return examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.default !== undefined) return schema.default;
  if (schema.enum !== undefined) return schema.enum[0];
  if ($ref !== undefined) {
    const target = named[$ref.slice($ref.lastIndexOf('/') + 1)];
    return target === undefined ? {} : exampleOf(target, named, name);
  }
  if (MOSTLY_NULL.test(name) && isNullable(schema)) return null;
  if (anyOf !== undefined) return anyOf[0] === undefined ? null : exampleOf(anyOf[0], named, name);
  return ofType(schema, named, name);
}

function isNullable({ type, anyOf }: Schema): boolean {
  return (
    (Array.isArray(type) && type.includes('null')) || anyOf?.some((each) => each.type === 'null') === true
  );
}

function ofType(schema: Schema, named: Schemas, name: string): unknown {
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.[0];
  switch (type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([member, each]) => [
          member,
          exampleOf(each, named, member),
        ]),
      );
    case 'array':
      return schema.items === undefined ? [] : [exampleOf(schema.items, named, name)];
    case 'boolean':
      return true;
    case 'integer':
    case 'number':
      return /(^|_)(at|now|since|from|to)$/.test(name) ? AT : Math.max(schema.minimum ?? 0, 1);
    default:
      return textOf(schema, name);
  }
}

function textOf({ format }: Schema, name: string): string {
  if (format === 'date') return '2026-11-25';
  if (format === 'uuid') return '01a212c5-98d2-704d-8df6-c54d94e6340d';
  return TEXTS.find(([pattern]) => pattern.test(name))?.[1] ?? 'text';
}
