import { expect, test } from 'vitest';
import * as z from 'zod';
import type { Action } from './contract/action.ts';
import { contract } from './contract.ts';

const actions: [string, Action][] = Object.entries(contract).flatMap(([group, inGroup]) =>
  Object.entries(inGroup).map(([name, action]): [string, Action] => [`${group}.${name}`, action]),
);

test.each(actions)('%s can be written as JSON Schema', (_, action) => {
  for (const part of [action.params, action.query, action.body]) {
    expect(z.toJSONSchema(part, { io: 'input' })).toMatchObject({ additionalProperties: false });
  }
  const reply = z.toJSONSchema(action.reply, { io: 'output' });
  // One that has a name is referred to by it.
  const named = reply.$defs?.[reply.$ref?.replace('#/$defs/', '') ?? ''];
  expect(named ?? reply).toMatchObject({ type: 'object' });
});

test.each(actions)('%s names the parameters of its path', (_, action) => {
  const inPath = [...action.path.matchAll(/:(\w+)/g)].map(([, name]) => name);
  expect(Object.keys(action.params.shape)).toEqual(inPath);
});

test('each method and path is one action', () => {
  const addresses = actions.map(([, { method, path }]) => `${method} ${path}`);
  expect(new Set(addresses).size).toBe(addresses.length);
});

test('integers in a query are documented as integers', () => {
  const schema = z.toJSONSchema(contract.keys.list.query, { io: 'input' });
  expect(schema.properties?.['limit']).toMatchObject({ type: 'integer', minimum: 1, maximum: 200 });
});
