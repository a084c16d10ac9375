/** Sends the form, and shows the link. Plain JavaScript for a browser. */
export const APPLY_SCRIPT = String.raw`
import { ask, keep, letGo, onPress, show } from './page.js';

const form = document.getElementById('form');
const wrong = document.getElementById('wrong');

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = form.querySelector('button');
  button.disabled = true;
  wrong.hidden = true;
  const said = {};
  // Lines become one: what an operator reads in a table has none.
  for (const [name, text] of new FormData(form)) {
    const line = text.replace(/\s+/g, ' ').trim();
    if (line !== '') said[name] = line;
  }
  const { status, body } = await ask('v1/applications', said);
  button.disabled = false;
  if (status === 201) return showLink(body.claim_token);
  if (status === 429) return show('busy');
  if (status === 503 && body.error.code === 'applications_full') return show('full');
  if (status !== 400) return show('failed');
  wrong.hidden = false;
});

function showLink(token) {
  const link = new URL('claim', location.href);
  link.hash = token;
  document.getElementById('link').textContent = link.href;
  document.getElementById('open').href = link.href;
  form.reset();
  keep();
  show('sent');
}

document.getElementById('open').addEventListener('click', letGo);

onPress('form', () => show('form'));
`;
