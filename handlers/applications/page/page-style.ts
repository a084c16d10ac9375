/** The look of both pages: a phone first, light or dark as the reader has it. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --text: light-dark(#1c1e21, #e6e7e9);
  --soft: light-dark(#5d6167, #a3a8af);
  --page: light-dark(#f4f5f7, #15171a);
  --card: light-dark(#ffffff, #1f2226);
  --line: light-dark(#8a9099, #6b727b);
  --act: light-dark(#1a56c4, #7fb0ff);
  --on-act: light-dark(#ffffff, #0d1b33);
  --bad: light-dark(#b3261e, #ff9a92);
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0; padding: 1rem; background: var(--page); color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
}
main { max-width: 36rem; margin: 0 auto; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 1rem 0; }
h2 { font-size: 1.15rem; margin: 0 0 .5rem; }
.copyable + h2 { margin-top: 1.75rem; }
section { background: var(--card); border-radius: .75rem; padding: 1.25rem; }
form + p { margin: 1.25rem 0 0; }
section > p:first-child, section h2 + p { margin-top: 0; }
small, .ends, .copyable span, dt { color: var(--soft); font-size: .9rem; }
label { display: block; margin: 0 0 1rem; font-weight: 600; }
label small { font-weight: 400; }
input, textarea {
  display: block; width: 100%; margin-top: .3rem; padding: .6rem .7rem; font: inherit; font-weight: 400;
  color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: .5rem;
}
textarea { resize: vertical; }
::placeholder { color: var(--soft); opacity: 1; }
button {
  min-height: 2.75rem; padding: .5rem 1.25rem; font: inherit; font-weight: 600; border: 0; border-radius: .5rem;
  background: var(--act); color: var(--on-act); cursor: pointer;
}
button:disabled { opacity: .55; cursor: default; }
h2:focus { outline: none; }
:focus-visible:not(h2) { outline: 3px solid var(--act); outline-offset: 2px; }
a { color: var(--act); }
.bad { color: var(--bad); }
.copyable { margin: 1rem 0; }
.copyable > span:first-child { display: block; }
.said { margin-left: .5rem; }
.copyable code {
  display: block; margin: .3rem 0 .5rem; padding: .7rem; background: var(--page); border: 1px solid var(--line);
  border-radius: .5rem; font: .95rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace;
  white-space: pre-wrap; word-break: break-all; user-select: all;
}
blockquote { margin: 0 0 1rem; padding: .5rem 1rem; border-left: 4px solid var(--line); overflow-wrap: anywhere; }
dl { margin: 1rem 0; }
dd { margin: 0 0 .6rem; overflow-wrap: anywhere; }
`;
