import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Argument } from 'oxc-parser';
import { parseSync, Visitor } from 'oxc-parser';
import { expect, test } from 'vitest';

const FOLDER = join(import.meta.dirname, '../../adapters/sqlite');

/** Names that SQL is put together from beside CONSTANTS: none of them ever holds what a caller sent. */
const OWN_TEXT = new Set([
  'opened', // the beginning of two statements
  'sql', // a migration
  'index', // its number
  'groupBy', // one of a constant table's keys
  'places', // question marks
  // Tables and columns of our own schema (a copy that has another one is refused), and what is made of their names.
  'table',
  'kind',
  'name',
  'names',
  'row',
  'line',
]);

test('S3: SQL is put together from constants alone; everything else is bound', () => {
  const sources = readdirSync(FOLDER).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  const found = sources.map((name) => strangersInSql(name, readFileSync(join(FOLDER, name), 'utf8')));
  expect(found.flat()).toEqual([]);
  const prepared = sources.filter((name) => readFileSync(join(FOLDER, name), 'utf8').includes('.prepare'));
  expect(prepared.length).toBeGreaterThan(5);
});

test.each([
  `database.prepare(\`SELECT * FROM keys WHERE label = \${label}\`)`,
  "database.prepare('SELECT * FROM keys WHERE label = ' + label)",
  'database.exec(text)',
  `database.pragma(\`user_version = \${given.version}\`)`,
  `database.prepare<[], Row>(\`SELECT \${COLUMNS[given]} FROM keys\`)`,
])('the control: %s is found', (source) => {
  expect(strangersInSql('planted.ts', source)).toHaveLength(1);
});

/** What may not be in the SQL of a file and is, as `file: name`. */
function strangersInSql(file: string, source: string): readonly string[] {
  const strangers: string[] = [];
  const visitor = new Visitor({
    CallExpression({ callee, arguments: [sql] }) {
      if (sql === undefined || callee.type !== 'MemberExpression') return;
      const method = callee.property.type === 'Identifier' ? callee.property.name : '';
      if (!['prepare', 'exec', 'pragma'].includes(method)) return;
      strangers.push(...namesIn(sql, source).map((name) => `${file}: ${name}`));
    },
  });
  visitor.visit(parseSync(file, source).program);
  return strangers;
}

/** The variables that an argument is made of, but for constants and our own text. */
function namesIn(sql: Argument, source: string): readonly string[] {
  const code = `(${source.slice(sql.start, sql.end)})`;
  const names: string[] = [];
  const visitor = new Visitor({
    Identifier({ name, start }) {
      const isMember = code[start - 1] === '.';
      if (!isMember && !/^[A-Z][A-Z_]*$/.test(name) && !OWN_TEXT.has(name)) names.push(name);
    },
  });
  visitor.visit(parseSync('argument.ts', code).program);
  return names;
}
