import { describe, expect, test } from 'vitest';
import { ENDPOINTS } from './endpoints.ts';

describe.each(ENDPOINTS)('what the documents say of $path is what it reads', (endpoint) => {
  const { members, required, example } = endpoint.description;
  const read = (body: object) => {
    const text = JSON.stringify(body);
    return endpoint.read(text, Buffer.byteLength(text));
  };
  const refused = (param: string) => ({ ok: false, problem: { param } });
  const bounded = Object.entries(members).filter(([, { maximum }]) => maximum !== undefined);
  const typed = Object.entries(members).filter(([, { type }]) => type.includes('boolean'));

  test('its example', () => {
    expect(read(example)).toMatchObject({ ok: true });
  });

  test.each(required)('%s must be there', (name) => {
    expect(read({ ...example, [name]: undefined })).toMatchObject(refused(name));
  });

  test('a number is what it is bounded to', () => {
    for (const [name, { minimum = 0, maximum = 0 }] of bounded) {
      for (const value of [minimum, maximum])
        expect.soft(read({ ...example, [name]: value }), name).toMatchObject({ ok: true });
      for (const value of [minimum - 1, maximum + 1, 1.5, 'many'])
        expect.soft(read({ ...example, [name]: value }), name).toMatchObject(refused(name));
    }
  });

  test('what is true or false is nothing else, and what may be null may', () => {
    for (const [name] of typed) expect.soft(read({ ...example, [name]: 'yes' })).toMatchObject(refused(name));
    for (const [name, { type }] of Object.entries(members)) {
      if (type.includes('null')) expect.soft(read({ ...example, [name]: null })).toMatchObject({ ok: true });
    }
  });

  test('the longest model', () => {
    const longest = 'm'.repeat(members['model']?.maxLength ?? 0);
    expect(read({ ...example, model: longest })).toMatchObject({ ok: true });
    expect(read({ ...example, model: `${longest}m` })).toMatchObject(refused('model'));
  });
});
