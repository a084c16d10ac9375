import type { Schema, Schemas } from '../openapi/schema-of.ts';
import type { Language } from '../preferred-language.ts';
import { WORDS } from './words.ts';

/** A member of a body or an answer as a line of a table. */
export interface MemberRow {
  /** With what it is in: `items[].quotas[].meter`. */
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

// The deepest answer, a page of keys with their quotas, has three.
const LEVELS_MAX = 5;

/** The members of a schema, each followed by those that are in it. */
export function memberRows(schema: Schema, named: Schemas, language: Language): readonly MemberRow[] {
  return rowsIn(schema, named, language, '', LEVELS_MAX);
}

function rowsIn(
  schema: Schema,
  named: Schemas,
  language: Language,
  prefix: string,
  levels: number,
): readonly MemberRow[] {
  if (levels === 0) return [];
  const { properties = {}, required = [] } = resolved(schema, named);
  return Object.entries(properties).flatMap(([member, given]) => {
    const each = resolved(given, named);
    const name = `${prefix}${member}`;
    const { inner, suffix } = innermost(each, named);
    const row = {
      name,
      type: typeText(given, named, language),
      required: required.includes(member),
      description: given.description ?? each.description ?? '',
    };
    return [row, ...rowsIn(inner, named, language, `${name}${suffix}.`, levels - 1)];
  });
}

/** What a schema is where it is not `null`, and whatever it is called. */
function resolved(schema: Schema, named: Schemas): Schema {
  const { $ref, anyOf } = schema;
  if ($ref !== undefined) return named[$ref.slice($ref.lastIndexOf('/') + 1)] ?? {};
  const other = anyOf?.find(({ type }) => type !== 'null');
  return other === undefined ? schema : resolved(other, named);
}

function innermost(schema: Schema, named: Schemas): { readonly inner: Schema; readonly suffix: string } {
  if (schema.items === undefined) return { inner: schema, suffix: '' };
  const { inner, suffix } = innermost(resolved(schema.items, named), named);
  return { inner, suffix: `[]${suffix}` };
}

/** `integer, 1 to 200`, `requests | tokens | cost`, `list of string or null`. */
export function typeText(given: Schema, named: Schemas, language: Language): string {
  const words = WORDS[language];
  const schema = resolved(given, named);
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  const isNullable = types.includes('null') || given.anyOf?.some(({ type }) => type === 'null') === true;
  return `${kindText(schema, named, language)}${isNullable ? words.orNull : ''}${boundsText(schema, language)}`;
}

function kindText(schema: Schema, named: Schemas, language: Language): string {
  if (schema.enum !== undefined) return schema.enum.join(' | ');
  if (schema.const !== undefined) return String(schema.const);
  if (schema.items !== undefined)
    return WORDS[language].listOf(kindText(resolved(schema.items, named), named, language));
  const type = typeof schema.type === 'object' ? schema.type.find((each) => each !== 'null') : schema.type;
  return schema.format === undefined ? (type ?? 'any') : `${type}, ${schema.format}`;
}

function boundsText(schema: Schema, language: Language): string {
  const { characters, items, defaultIs } = WORDS[language];
  const parts = [
    span(schema.minimum, schema.maximum, ''),
    span(schema.minLength, schema.maxLength, ` ${characters}`),
    span(schema.minItems, schema.maxItems, ` ${items}`),
    ...(schema.default === undefined ? [] : [`${defaultIs} ${String(schema.default)}`]),
  ];
  return parts
    .filter((part) => part !== '')
    .map((part) => `, ${part}`)
    .join('');
}

/** A bound that is only there to catch a mistake, such as a time in seconds, tells a reader nothing. */
const BOUND_SHOWN_MAX = 1e11;

function span(min: number | undefined, max: number | undefined, unit: string): string {
  const least = min !== undefined && min < BOUND_SHOWN_MAX ? min.toLocaleString('en') : undefined;
  const most = max !== undefined && max < BOUND_SHOWN_MAX ? max.toLocaleString('en') : undefined;
  if (least !== undefined && most !== undefined) return `${least}–${most}${unit}`;
  if (least !== undefined) return `≥ ${least}${unit}`;
  return most === undefined ? '' : `≤ ${most}${unit}`;
}
