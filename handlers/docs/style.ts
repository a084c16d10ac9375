/** What the page looks like: in light and dark, on a telephone, and on paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --text: light-dark(#1c2024, #e4e6e9);
  --soft: light-dark(#5b6470, #9aa4b0);
  --back: light-dark(#ffffff, #14171a);
  --panel: light-dark(#f4f6f8, #1e2328);
  --line: light-dark(#dde2e7, #313840);
  --link: light-dark(#0b5cad, #7ab8f5);
  --get: light-dark(#1f6f43, #6fcf97);
  --post: light-dark(#0b5cad, #7ab8f5);
  --put: light-dark(#8a5a00, #e0b050);
  --delete: light-dark(#b3261e, #f2857d);
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body {
  margin: 0 auto;
  max-width: 78rem;
  padding: 0 1.25rem 4rem;
  color: var(--text);
  background: var(--back);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
}
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 0.875em; }
code { overflow-wrap: anywhere; }
header { border-bottom: 1px solid var(--line); padding: 1.25rem 0 0.5rem; margin-bottom: 1.5rem; }
header p { margin: 0.25rem 0; }
h1 { font-size: 1.6rem; margin: 0; }
h1 small { font-weight: normal; font-size: 1rem; color: var(--soft); }
h2 { font-size: 1.35rem; margin: 3rem 0 0.25rem; text-transform: capitalize; }
h3 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; }
h3 code { font-size: 1em; font-weight: 600; }
h4 { font-size: 0.95rem; margin: 1.25rem 0 0.4rem; }
.about { color: var(--soft); font-size: 0.9rem; margin: 0.4rem 0; }
.anchor { color: var(--soft); font-weight: normal; }
.method { font: 700 0.75em ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; color: var(--get); }
.method.post { color: var(--post); }
.method.put, .method.patch { color: var(--put); }
.method.delete { color: var(--delete); }
.status { color: var(--soft); font-weight: normal; }
nav { font-size: 0.875rem; }
nav summary { font-weight: 600; cursor: pointer; }
nav ul { list-style: none; margin: 0 0 0.5rem; padding: 0; }
nav li a { display: flex; padding: 0.1rem 0; color: var(--text); overflow-wrap: anywhere; }
nav li .method { flex: none; min-width: 4.2em; line-height: 1.8; }
nav p { margin: 0.75rem 0 0.15rem; font-weight: 600; text-transform: capitalize; }
#search { width: 100%; padding: 0.45rem 0.6rem; margin-bottom: 0.75rem; font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: 0.4rem; }
article { border: 1px solid var(--line); border-radius: 0.6rem; padding: 1rem 1.25rem; margin: 1rem 0; }
article:target { border-color: var(--link); }
article > p { margin: 0.4rem 0; }
pre { position: relative; background: var(--panel); border-radius: 0.4rem; padding: 0.75rem 0.9rem; margin: 0.4rem 0; overflow: auto; max-height: 28rem; line-height: 1.45; }
pre button { position: absolute; top: 0.4rem; right: 0.4rem; font: 0.75rem system-ui, sans-serif; padding: 0.2rem 0.55rem; color: var(--text); background: var(--back); border: 1px solid var(--line); border-radius: 0.3rem; cursor: pointer; }
details { margin: 0.5rem 0; }
article summary { cursor: pointer; color: var(--soft); font-size: 0.9rem; }
table { width: 100%; border-collapse: collapse; font-size: 0.9rem; table-layout: fixed; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.6rem 0.35rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th { width: 30%; font-weight: normal; }
td.type { width: 26%; color: var(--soft); }
em { color: var(--delete); font-size: 0.85em; font-style: normal; }
@media (min-width: 60rem) {
  body { display: grid; grid-template-columns: 18.5rem minmax(0, 1fr); column-gap: 2.5rem; }
  header { grid-column: 1 / -1; }
  nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow: auto; padding: 1rem 0; }
  main > section:first-child > p:first-child { margin-top: 0.5rem; }
}
@media (max-width: 40rem) {
  body { padding: 0 0.9rem 3rem; }
  article { padding: 0.8rem 0.9rem; }
  pre:has(button) { padding-top: 2.2rem; }
  tr { display: block; border-top: 1px solid var(--line); padding: 0.4rem 0; }
  th, td, td.type { display: block; width: auto; border: 0; padding: 0; }
}
@media print {
  :root { color-scheme: light; }
  body { display: block; max-width: none; font-size: 10pt; }
  nav, pre button, .anchor { display: none; }
  details::details-content { content-visibility: visible; block-size: auto; }
  article { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: 0.5rem 0; }
  pre { max-height: none; white-space: pre-wrap; }
  h3, h4, tr { break-inside: avoid; break-after: avoid; }
}
`.trimStart();
