/** What both pages do: show one state of several, ask the service, copy, and keep. Plain JavaScript for a browser. */
export const PAGE_SCRIPT = `
export function show(state) {
  for (const section of document.querySelectorAll('[data-state]')) {
    section.hidden = section.dataset.state !== state;
    // What had the focus is gone with its section: a keyboard goes on here, and a screen reader says what is new.
    if (!section.hidden) section.querySelector('h2, input')?.focus();
  }
}

/** The answer's status and body; status 0 where none came. */
export async function ask(path, body) {
  try {
    const answer = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: await answer.json() };
  } catch {
    return { status: 0, body: {} };
  }
}

export function onPress(name, act) {
  for (const button of document.querySelectorAll('[data-do="' + name + '"]')) {
    button.addEventListener('click', act);
  }
}

/** Where the browser forbids it, as it does without https, the text is marked instead. */
async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const said = button.nextElementSibling;
  try {
    await navigator.clipboard.writeText(source.textContent);
    said.textContent = button.dataset.copied;
    isLosable = false;
  } catch {
    getSelection().selectAllChildren(source);
    said.textContent = button.dataset.byHand;
  }
}

/** Whether there is something on the page that nobody copied yet, and that is nowhere else. */
let isLosable = false;

/** Asks before the page is left, until something was copied. */
export function keep() {
  isLosable = true;
}
export function letGo() {
  isLosable = false;
}
addEventListener('beforeunload', (event) => {
  if (isLosable) event.preventDefault();
});
document.addEventListener('copy', letGo);

for (const button of document.querySelectorAll('[data-copy]')) {
  button.addEventListener('click', () => copy(button));
}
`;
