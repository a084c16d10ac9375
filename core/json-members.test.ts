import fc from 'fast-check';
import { expect, test } from 'vitest';
import { duplicateOf, membersOf, withMembers, withoutMember } from './json-members.ts';

/** An object and one of the many texts that stand for it. */
interface Written {
  readonly object: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** The texts of the values, by name. */
  readonly values: ReadonlyMap<string, string>;
}

const spaces = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
const awkward = fc.constantFrom(
  '',
  '"',
  '\\',
  '\\"',
  '\\\\',
  '{"a":1}',
  '[],:',
  '\u0000',
  '\u2028',
  '中文',
  '😀',
  '\ud800',
);
const strings = fc.oneof(awkward, fc.string(), fc.string({ unit: 'binary' }));
const values = fc.oneof(fc.jsonValue(), strings, fc.array(strings), fc.dictionary(strings, strings));
const objects = fc.dictionary(
  strings.filter((name) => name !== '__proto__'),
  values,
  { maxKeys: 6 },
);

/** Escapes every character, as JSON allows to: `a` becomes `\u0061`. */
const escaped = (text: string) =>
  `"${Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`;

const written: fc.Arbitrary<Written> = fc
  .tuple(objects, fc.infiniteStream(spaces), fc.infiniteStream(fc.boolean()))
  .map(([object, gaps, choices]) => {
    const gap = () => gaps.next().value ?? '';
    const texts = new Map(
      Object.entries(object).map(([name, value]) => [
        name,
        JSON.stringify(value, null, choices.next().value ? 1 : 0),
      ]),
    );
    const members = [...texts].map(([name, value]) => {
      const quoted = choices.next().value ? escaped(name) : JSON.stringify(name);
      return `${gap()}${quoted}${gap()}:${gap()}${value}${gap()}`;
    });
    return { object, text: `${gap()}{${members.join(',') || gap()}}${gap()}`, values: texts };
  });

/**
 * Names and the texts of values. JSON.parse is no oracle for names: V8 takes some escaped ones for others
 * (nodejs/node#63785).
 */
const textsOf = (text: string) =>
  membersOf(text).list.map(({ name, valueStart, end }) => [name, text.slice(valueStart, end)] as const);

test('each member is found, with the place of its value', () => {
  fc.assert(
    fc.property(written, ({ text, values }) => {
      expect(textsOf(text)).toEqual([...values]);
    }),
    { numRuns: 500 },
  );
});

test('a member begins at the quote of its name', () => {
  fc.assert(
    fc.property(written, ({ text }) =>
      membersOf(text).list.every(({ name, start }) =>
        [JSON.stringify(name), escaped(name)].some((quoted) => text.startsWith(quoted, start)),
      ),
    ),
  );
});

test('depth is how deep the value nests', () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;
  fc.assert(
    fc.property(written, ({ object, text }) => {
      expect(membersOf(text).depth).toBe(depthOf(object));
    }),
  );
});

test('members are set, and every other one stays as it is', () => {
  const wanted = fc.dictionary(fc.constantFrom('max_tokens', 'n', '"'), fc.nat(), { minKeys: 1 });
  fc.assert(
    fc.property(written, wanted, fc.nat(), ({ object, text, values }, set, which) => {
      const present = Object.keys(object)[which % Math.max(values.size, 1)];
      const changes = present === undefined ? set : { ...set, [present]: which };
      const texts = new Map(Object.entries(changes).map(([name, value]) => [name, String(value)]));
      const result = withMembers(text, membersOf(text), texts);

      expect(() => JSON.parse(result)).not.toThrow();
      expect(new Map(textsOf(result))).toEqual(new Map([...values, ...texts]));
      const untouched = textsOf(result).filter(([name]) => !texts.has(name));
      expect(untouched).toEqual([...values].filter(([name]) => !texts.has(name)));
      expect(result).toHaveLength(lengthAfter(text, values, texts));
    }),
    { numRuns: 500 },
  );
});

test('a member is taken out, and every other one stays as it is', () => {
  fc.assert(
    fc.property(written, fc.nat(), ({ object, text, values }, which) => {
      const name = Object.keys(object)[which % Math.max(values.size, 1)] ?? 'nobody';
      const result = withoutMember(text, membersOf(text), name);
      expect(() => JSON.parse(result)).not.toThrow();
      expect(textsOf(result)).toEqual([...values].filter(([other]) => other !== name));
    }),
    { numRuns: 500 },
  );
});

test.each([
  {
    text: '{"seed":9007199254740993,"max_tokens": 10 }',
    result: '{"seed":9007199254740993,"max_tokens": 7 }',
  },
  { text: '{"max\\u005ftokens":10,"t":1.0}', result: '{"max\\u005ftokens":7,"t":1.0}' },
  { text: ' {\n}', result: ' {"max_tokens":7\n}' },
  { text: '{ "x":1e400}', result: '{"max_tokens":7, "x":1e400}' },
  { text: '{"a":"\\\\","max_tokens":null}', result: '{"a":"\\\\","max_tokens":7}' },
  { text: '{"a":{"max_tokens":1}}', result: '{"max_tokens":7,"a":{"max_tokens":1}}' },
  { text: '{"a":"\\"max_tokens\\":1"}', result: '{"max_tokens":7,"a":"\\"max_tokens\\":1"}' },
])('max_tokens set to 7 in $text', ({ text, result }) => {
  expect(withMembers(text, membersOf(text), new Map([['max_tokens', '7']]))).toBe(result);
});

test.each([
  { text: '{"a":1,"b":2,"c":3}', name: 'a', result: '{"b":2,"c":3}' },
  { text: '{"a":1,"b":2,"c":3}', name: 'b', result: '{"a":1,"c":3}' },
  { text: '{"a":1,"b":2,"c":3}', name: 'c', result: '{"a":1,"b":2}' },
  { text: '{ "a" : [1, 2] }', name: 'a', result: '{  }' },
  { text: '{"a":1}', name: 'b', result: '{"a":1}' },
])('$text without $name', ({ text, name, result }) => {
  expect(withoutMember(text, membersOf(text), name)).toBe(result);
});

test.each([
  { text: '{"model":"a","model":"b"}', twice: 'model' },
  { text: '{"model":"a","n":1,"mod\\u0065l":"b"}', twice: 'model' },
  { text: '{"a":{"model":1},"model":{"model":2}}', twice: undefined },
  { text: '{"a":"model","b":"model"}', twice: undefined },
  { text: '{}', twice: undefined },
])('the name that stands twice in $text is $twice', ({ text, twice }) => {
  expect(duplicateOf(membersOf(text))).toBe(twice);
});

function lengthAfter(
  text: string,
  values: ReadonlyMap<string, string>,
  changes: ReadonlyMap<string, string>,
): number {
  let length = text.length;
  let added = 0;
  for (const [name, value] of changes) {
    const before = values.get(name);
    if (before !== undefined) length += value.length - before.length;
    else {
      length += JSON.stringify(name).length + 1 + value.length;
      added += 1;
    }
  }
  return length + (values.size > 0 ? added : Math.max(added - 1, 0));
}
