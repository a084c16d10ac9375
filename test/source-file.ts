import type { Node, VisitorObject } from 'oxc-parser';
import { parseSync, Visitor } from 'oxc-parser';

/** What the house rules look at in a file. */
export interface SourceFile {
  readonly path: string;
  readonly lineCount: number;
  /** Specifiers of imports, re-exports, dynamic imports, and of `new URL('./x.ts', import.meta.url)`. */
  readonly imports: readonly Spot[];
  /** What is read by name: `Date.now`, `new Date()`, `process.env`, `node:crypto#randomBytes`. */
  readonly reads: readonly Spot[];
  readonly functions: readonly SourceFunction[];
  /** Calls of `test`, `describe` and their kin. */
  readonly tests: readonly Spot[];
  /** What is compared with what, by names: `a.b === c`, `list.includes c`. Nothing that has a literal on a side. */
  readonly comparisons: readonly Spot[];
  readonly defaultExports: readonly Spot[];
  /** Variables of the module that can be assigned again. */
  readonly moduleVariables: readonly Spot[];
}

export interface Spot {
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
}

interface SourceFunction extends Spot {
  readonly lineCount: number;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** @throws Error if the source cannot be parsed */
export function readSource(path: string, source: string): SourceFile {
  const { program, errors } = parseSync(path, source);
  if (errors[0] !== undefined) throw new Error(`${path}: ${errors[0].message}`);
  const lineAt = (offset: number) => source.slice(0, offset).split('\n').length;
  const gather = (visitorOf: (see: See) => VisitorObject) => {
    const spots: (Spot & { readonly lineCount: number })[] = [];
    const see = (text: string, { start, end }: Span) => {
      const line = lineAt(start);
      spots.push({ text, line, lineCount: lineAt(end) - line + 1 });
    };
    new Visitor(visitorOf(see)).visit(program);
    return spots;
  };
  return {
    path,
    lineCount: lineAt(source.trimEnd().length),
    imports: gather(importVisitor),
    reads: gather(readVisitor),
    functions: gather(functionVisitor),
    tests: gather(testVisitor),
    comparisons: gather(comparisonVisitor),
    defaultExports: gather(defaultExportVisitor),
    moduleVariables: program.body
      .map((node) => (node.type === 'ExportNamedDeclaration' ? node.declaration : node))
      .filter((node) => node?.type === 'VariableDeclaration')
      .filter(({ kind }) => kind === 'let' || kind === 'var')
      .map(({ kind, start }) => ({ text: kind, line: lineAt(start) })),
  };
}

type See = (text: string, at: Span) => void;

function importVisitor(see: See): VisitorObject {
  const seeSource = ({ source }: { source: Node | null }) => {
    if (source !== null) see(literal(source) ?? '(computed)', source);
  };
  return {
    ImportDeclaration: seeSource,
    ImportExpression: seeSource,
    ExportNamedDeclaration: seeSource,
    ExportAllDeclaration: seeSource,
    NewExpression: ({ callee, arguments: [file, base] }) => {
      if (nameOf(callee) === 'URL' && base !== undefined && file !== undefined) {
        see(literal(file) ?? '(computed)', file);
      }
    },
  };
}

function readVisitor(see: See): VisitorObject {
  return {
    ImportDeclaration: ({ source, specifiers }) => {
      for (const specifier of specifiers) {
        if (specifier.type === 'ImportSpecifier')
          see(`${source.value}#${nameOf(specifier.imported)}`, specifier);
      }
    },
    MemberExpression: (node) => see(nameOf(node).replace(/^globalThis\./, ''), node),
    NewExpression: (node) => {
      if (nameOf(node.callee) === 'Date' && node.arguments.length === 0) see('new Date()', node);
    },
    VariableDeclarator: ({ id, init }) => {
      if (id.type !== 'ObjectPattern' || init === null) return;
      for (const property of id.properties) {
        if (property.type === 'Property') see(`${nameOf(init)}.${nameOf(property.key)}`, property);
      }
    },
  };
}

function functionVisitor(see: See): VisitorObject {
  return {
    FunctionDeclaration: (node) => see(node.id?.name ?? 'function', node),
    FunctionExpression: (node) => see(node.id?.name ?? 'function', node),
    ArrowFunctionExpression: (node) => see('arrow function', node),
  };
}

function testVisitor(see: See): VisitorObject {
  return {
    CallExpression: (node) => {
      const name = nameOf(node.callee);
      if (/^(test|it|describe\w*)\b/.test(name)) see(name, node);
    },
  };
}

function comparisonVisitor(see: See): VisitorObject {
  return {
    BinaryExpression: (node) => {
      const sides = [nameOf(node.left), nameOf(node.right)];
      const isOfNames = sides.every((name) => name !== '?' && name !== 'undefined');
      if (/^[!=]==?$/.test(node.operator) && isOfNames && !isLiteral(node.left) && !isLiteral(node.right))
        see(sides.join(` ${node.operator} `), node);
    },
    CallExpression: (node) => {
      const [list = '', how = ''] = nameOf(node.callee).split(/\.(?=\w+$)/);
      const [given] = node.arguments;
      if (given === undefined || isLiteral(given)) return;
      if (/^(includes|indexOf|startsWith|endsWith|equals|localeCompare|has)$/.test(how))
        see(`${list}.${how} ${nameOf(given)}`, node);
    },
  };
}

function isLiteral({ type }: Node): boolean {
  return type === 'Literal';
}

function defaultExportVisitor(see: See): VisitorObject {
  return {
    ExportDefaultDeclaration: (node) => see('default', node),
    ExportSpecifier: (node) => {
      if (nameOf(node.exported) === 'default') see('default', node);
    },
  };
}

/** `a.b.c` for a chain of members with fixed names; `?` stands for what has none. */
function nameOf(node: Node): string {
  switch (node.type) {
    case 'Identifier':
      return node.name;
    case 'MemberExpression':
      return `${nameOf(node.object)}.${nameOf(node.property)}`;
    default:
      return literal(node) ?? '?';
  }
}

function literal(node: Node): string | undefined {
  return node.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined;
}
