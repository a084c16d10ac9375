/** What both pages do: show one state of several, ask the service, copy. Plain JavaScript for a browser. */
export const PAGE_SCRIPT = `
export function show(state) {
  for (const section of document.querySelectorAll('[data-state]')) {
    section.hidden = section.dataset.state !== state;
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
export async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = button.dataset.copied;
  } catch {
    getSelection().selectAllChildren(source);
    button.textContent = button.dataset.byHand;
  }
}

for (const button of document.querySelectorAll('[data-copy]')) {
  button.addEventListener('click', () => copy(button));
}
`;
