import { html } from 'hono/html';
import type { OpenapiDocument } from '../openapi/openapi-document.ts';
import type { Language } from '../preferred-language.ts';
import { CHINESE } from './chinese.ts';
import type { Placed } from './operation-section.ts';
import { operationSection } from './operation-section.ts';
import type { Markup } from './prose.ts';
import { prose } from './prose.ts';
import { WORDS } from './words.ts';

/** The document as a page that needs nothing but itself, `/docs/style.css`, and, to search it, `/docs/script.js`. */
export async function docsPage(document: OpenapiDocument, language: Language): Promise<string> {
  const words = WORDS[language];
  const { title, version } = document.info;
  const groups = groupsOf(document, language);
  const page = await html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} &middot; ${words.title}</title>
<link rel="stylesheet" href="/docs/style.css">
<script src="/docs/script.js" defer></script>
</head>
<body data-copy="${words.copy}" data-copied="${words.copied}">
<header>
<h1>${title} <small>${words.title} &middot; ${version}</small></h1>
<p><a href="/openapi.json">${words.document}</a> &middot; <a href="/docs/${words.other.language}" lang="${words.other.language}" hreflang="${words.other.language}">${words.other.name}</a></p>
</header>
<nav aria-label="${words.contents}">
<input id="search" type="search" placeholder="${words.search}" aria-label="${words.search}" hidden>
<details open><summary>${words.contents}</summary>
${groups.map(({ name, operations }) => contents(name, words.groups[name] ?? name, operations))}
</details>
</nav>
<main>
<section class="intro">
${words.intro.map((paragraph) => html`<p>${prose(paragraph)}</p>`)}
<p>${words.start}</p>
<pre><code>export URL=<span id="origin">http://127.0.0.1:8787</span>
export KEY=sk-&hellip;
export ADMIN_TOKEN=&hellip;</code></pre>
</section>
${groups.map(
  ({ name, description, operations }) => html`<section id="group-${name}">
<h2>${words.groups[name] ?? name}</h2>
<p>${prose(description)}</p>
${operations.map((placed) => operationSection(placed, { document, language }))}
</section>
`,
)}
</main>
</body>
</html>
`;
  return page.toString();
}

interface Group {
  readonly name: string;
  readonly description: string;
  readonly operations: readonly Placed[];
}

function groupsOf({ tags, paths }: OpenapiDocument, language: Language): readonly Group[] {
  const placed = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  return tags.map(({ name, description }) => ({
    name,
    description: language === 'en' ? description : (CHINESE[name] ?? description),
    operations: placed.filter(({ operation }) => operation.tags.includes(name)),
  }));
}

function contents(name: string, shown: string, operations: readonly Placed[]): Markup {
  return html`<p><a href="#group-${name}">${shown}</a></p>
<ul>
${operations.map(
  ({
    method,
    path,
    operation,
  }) => html`<li><a href="#${operation.operationId}"><span class="method ${method.toLowerCase()}">${method}</span> ${path}</a></li>
`,
)}</ul>
`;
}
