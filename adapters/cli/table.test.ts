import { expect, test } from 'vitest';
import { table, widthOf } from './table.ts';

test.each([
  ['abc', 3],
  ['张三', 4],
  ['ｆｕｌｌ', 8],
  ['é', 1],
  ['e\u0301', 1],
  ['👩‍👩‍👧', 2],
  ['한글', 4],
  ['sk-ab12…wxyz', 12],
])('%s takes %i columns', (text, columns) => {
  expect(widthOf(text)).toBe(columns);
});

test('columns are aligned, numbers to the right, also with wide characters', () => {
  const rows = [
    { label: '张三', used: 5, note: null },
    { label: 'Bob the builder', used: 12345, note: 'x' },
  ];
  expect(table(rows, undefined)).toBe(
    ['LABEL             USED  NOTE', '张三                 5', 'Bob the builder  12345  x', ''].join('\n'),
  );
});

test('what one must copy is never cut: rather the last columns are left out', () => {
  const id = '0197b2a0-0000-7000-8000-000000000001';
  const quotas = '12 of 200 requests per day, 5000 of 100000 tokens per month';
  const rows = [
    { id, key: 'sk-ab12…wxyz', label: '小明的密钥'.repeat(3), status: 'active', quotas, expires: 'never' },
  ];
  const [head = '', line = ''] = table(rows, 80).split('\n');
  expect(line).toContain(`${id}  sk-ab12…wxyz  小`);
  expect(widthOf(line)).toBeLessThanOrEqual(80);
  expect(head).toMatch(/^ID +KEY +LABEL +STATUS +QUOTAS$/);
  expect(table(rows, undefined)).toContain(`${quotas}  never`);
});

test('a column of nothing is left out', () => {
  expect(table([{ label: 'Ada', model: null, used: 0 }], 80)).toBe('LABEL  USED\nAda       0\n');
});

test('a terminal that is too narrow cuts the widest texts, and no line is wider', () => {
  const rows = [{ id: '12345678', label: '一二三四五六七八九十'.repeat(3), status: 'active' }];
  const lines = table(rows, 40).trimEnd().split('\n');
  for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(40);
  expect(lines[1]).toMatch(/^12345678 {2}一二.*… +active$/);
});

test('a number within a text is left out where it would be cut, and no other', () => {
  const rows = [{ id: '1', quotas: '0 of 200 requests per day', label: '12345678901234' }];
  const cut = (columns: number) => table(rows, columns).split('\n')[1];
  expect(cut(29)).toBe('1   0 of 200 r…  12345678901…');
  expect(cut(23)).toBe('1   0 of …    12345678…');
});

test('a sentence goes on in the next line, and a key is whole wherever it is', () => {
  const key = `sk-${'a1'.repeat(19)}`;
  const rows = [
    { field: 'key', value: key },
    { field: 'WARNING', value: 'Backups are not encrypted: set BACKUP_ENCRYPTION_KEY.' },
  ];
  expect(table(rows, 40)).toBe(
    [
      'FIELD    VALUE',
      `key      ${key}`,
      'WARNING  Backups are not encrypted: set',
      '         BACKUP_ENCRYPTION_KEY.',
      '',
    ].join('\n'),
  );
  expect(table(rows, undefined)).toMatch(
    /^WARNING {2}Backups are not encrypted: set BACKUP_ENCRYPTION_KEY\.$/m,
  );
});

test('where an id alone would be left of a table, each row is a list', () => {
  const id = '0197b2a0-0000-7000-8000-000000000001';
  const row = { id, key: 'sk-ab12…wxyz', label: '张三', note: null, quotas: '1 of 5 requests per day' };
  const lines = ['ID', id, 'KEY', 'sk-ab12…wxyz', 'LABEL', '张三', 'QUOTAS', '1 of 5 requests per day'];
  const block = lines.map((text, index) => (index % 2 === 0 ? `${text.padEnd(6)}  ` : `${text}\n`)).join('');
  expect(table([row, row], 40)).toBe(`${block}\n${block}`);
});

test('what a stranger called a model does nothing to the terminal', () => {
  const model = 'evil\x1b[31m\x07\n\u009b2J\u2028\u202egpj.';
  const lines = table([{ model, used: 1 }], undefined).split('\n');
  expect(lines[1]).toBe('evil\ufffd[31m\ufffd\ufffd\ufffd2J\ufffd\ufffdgpj.     1');
  expect(lines).toHaveLength(3);
});
