import { expect, test } from 'vitest';
import { csv } from './csv.ts';

test.each([
  { name: 'text stays as it is', label: 'Ada; 7b/1', cell: 'Ada; 7b/1' },
  { name: 'a formula becomes text', label: '=1+1', cell: "'=1+1" },
  { name: 'a full-width one, too', label: '\uff1d1+1', cell: "'\uff1d1+1" },
  {
    name: 'and one behind a semicolon',
    label: "Ada;=1+cmd|' /C calc'!A0;",
    cell: "Ada;'=1+cmd|' /C calc'!A0;",
  },
  { name: 'and behind a quote there', label: 'Ada;"=1+1', cell: `"Ada;""'=1+1"` },
  { name: 'and behind a tab', label: 'Ada\t@SUM(1)', cell: "Ada\t'@SUM(1)" },
  { name: 'and behind a line end, quoted', label: 'a\r\n-1', cell: `"a\r\n'-1"` },
  { name: 'a number keeps its sign', label: -1, cell: '-1' },
])('in a file, $name', async ({ label, cell }) => {
  const text = await csv('a.csv', ['label'], [{ label }]).text();
  expect(text).toBe(`label\r\n${cell}\r\n`);
});
