import { html } from 'hono/html';
import type { OpenapiDocument } from '../openapi/openapi-document.ts';
import type { Example, Operation, Parameter, Reply } from '../openapi/operation.ts';
import type { Schema } from '../openapi/schema-of.ts';
import type { Language } from '../preferred-language.ts';
import { CHINESE } from './chinese.ts';
import { CHINESE_ERRORS } from './chinese-errors.ts';
import { CHINESE_FIELDS } from './chinese-fields.ts';
import { accessOf, component, curlExample } from './curl-example.ts';
import { memberRows, typeText } from './member-rows.ts';
import type { Markup } from './prose.ts';
import { prose } from './prose.ts';
import { WORDS } from './words.ts';

/** An operation where it is. */
export interface Placed {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

/** Where and in which words. */
export interface Setting {
  readonly document: OpenapiDocument;
  readonly language: Language;
}

/** One operation: what it does, what it takes, what it answers. */
export function operationSection({ method, path, operation }: Placed, setting: Setting): Markup {
  const words = WORDS[setting.language];
  const { operationId, summary, description, 'x-also-at': alsoAt = [] } = operation;
  const does = setting.language === 'en' ? summary : (CHINESE[operationId] ?? summary);
  return html`<article id="${operationId}" data-find="${`${method} ${path} ${alsoAt.join(' ')} ${does} ${summary}`.toLowerCase()}">
<h3><span class="method ${method.toLowerCase()}">${method}</span> <code>${path}</code> <a class="anchor" href="#${operationId}" aria-label="#${operationId}">#</a></h3>
<p>${prose(does)}</p>
${description === undefined ? '' : html`<p>${told(description, setting.language)}</p>`}
<p class="about">${words.who}<strong>${words.access[accessOf(operation)]}</strong>${
    alsoAt.length === 0
      ? ''
      : html` &middot; ${words.alsoAt} ${alsoAt.map((each) => html`<code>${method} ${each}</code> `)}`
  }</p>
${parametersTable(operation, setting)}
${bodyTable(operation, setting)}
<h4>${words.call}</h4>
${code(curlExample(method, path, operation))}
${Object.entries(operation.responses)
  .filter(
    ([status]) =>
      Number(status) < 400 || Object.keys(operation.responses).length === 1 || isHealth(operation, status),
  )
  .map(([status, reply]) => answer(status, reply, setting))}
${errorsTable(operation, setting)}
</article>
`;
}

/** A 503 that has no error object. */
function isHealth({ responses }: Operation, status: string): boolean {
  const content = responses[status]?.content?.['application/json'];
  return Number(status) >= 400 && content !== undefined && content.examples === undefined;
}

function parametersTable({ parameters = [] }: Operation, { document, language }: Setting): Markup | '' {
  const words = WORDS[language];
  const given = parameters.flatMap((each) =>
    '$ref' in each ? (component<Parameter>(document, each.$ref) ?? []) : each,
  );
  if (given.length === 0) return '';
  const rows = given.map((each) => ({
    name: each.name,
    type: `${words.inPlace[each.in]}; ${typeText(each.schema, document.components.schemas, language)}`,
    required: each.required,
    description: each.description ?? '',
  }));
  return html`<h4>${words.parameters}</h4>${table(rows, language)}`;
}

function bodyTable({ requestBody }: Operation, { document, language }: Setting): Markup | '' {
  const schema = requestBody?.content['application/json']?.schema;
  if (schema === undefined) return '';
  return html`<h4>${WORDS[language].body}</h4>${table(memberRows(schema, document.components.schemas, language), language)}`;
}

function answer(status: string, { content = {}, headers = {} }: Reply, setting: Setting): Markup {
  const words = WORDS[setting.language];
  return html`<h4>${words.answer} <span class="status">${status}</span></h4>
${Object.entries(content).map(([type, { schema, example }]) => {
  const members = answerTable(schema, setting);
  return html`<p class="about"><code>${type}</code></p>
${example === undefined ? '' : code(typeof example === 'string' ? example : JSON.stringify(example, null, 2))}
${members === '' ? '' : html`<details><summary>${words.members}</summary>${members}</details>`}`;
})}
${headersTable(Object.values(headers), setting)}`;
}

/** In an answer it helps nobody to know which members are always there: nearly all are. */
function answerTable(schema: Schema, { document, language }: Setting): Markup | '' {
  const rows = memberRows(schema, document.components.schemas, language);
  return rows.length === 0
    ? ''
    : table(
        rows.map((row) => ({ ...row, required: false })),
        language,
      );
}

function headersTable(
  references: readonly { readonly $ref: string }[],
  { document, language }: Setting,
): Markup {
  const rows = references.map(({ $ref }) => {
    const header = component<{ description: string; schema: Schema }>(document, $ref);
    const name = $ref.slice($ref.lastIndexOf('/') + 1);
    const type = typeText(header?.schema ?? {}, {}, language);
    return { name, type, required: false, description: header?.description ?? '' };
  });
  return html`<details><summary>${WORDS[language].headers}</summary>${table(rows, language)}</details>`;
}

function errorsTable({ responses }: Operation, { document, language }: Setting): Markup | '' {
  const rows = Object.entries(responses).flatMap(([status, { content }]) =>
    Object.entries(content?.['application/json']?.examples ?? {}).map(([name, { $ref }]) => ({
      name,
      type: status,
      required: false,
      description: component<Example>(document, $ref)?.summary ?? '',
    })),
  );
  if (rows.length === 0) return '';
  return html`<details><summary>${WORDS[language].errors}</summary>${table(rows, language)}</details>`;
}

interface TableRow {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

function table(rows: readonly TableRow[], language: Language): Markup {
  return html`<table><tbody>${rows.map(
    ({ name, type, required, description }) => html`<tr><th scope="row"><code>${name}</code>${
      required ? html` <em>${WORDS[language].required}</em>` : ''
    }</th><td class="type">${type}</td><td>${told(description, language)}</td></tr>
`,
  )}</tbody></table>`;
}

/** What the document says of a part of it; marked as English where the page has no Chinese for it. */
function told(text: string, language: Language): Markup | readonly Markup[] {
  if (language === 'en' || text === '') return prose(text);
  const chinese = CHINESE_FIELDS[text] ?? CHINESE_ERRORS[text];
  return chinese === undefined ? html`<span lang="en">${prose(text)}</span>` : prose(chinese);
}

function code(text: string): Markup {
  return html`<pre><code>${text}</code></pre>`;
}
