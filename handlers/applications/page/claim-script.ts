/**
 * Shows what became of an application, and the key when the button is pressed: a program that only fetches the link,
 * for a preview, does not press it. The token is read from the fragment, which no browser sends. Plain JavaScript.
 */
export const CLAIM_SCRIPT = String.raw`
import { ask, keep, onPress, show } from './page.js';

const words = JSON.parse(document.body.dataset.words);
const token = () => location.hash.slice(1);
const asked = () => ({ claim_token: token() });

async function look() {
  if (token() === '') return show('none');
  show('looking');
  const { status, body } = await ask('v1/applications/status', asked());
  if (status === 200) showApplication(body);
  else if (status === 404 || status === 400) show('unknown');
  else show(status === 429 ? 'busy' : 'failed');
}

function showApplication(application) {
  const reason = application.rejection_reason;
  document.getElementById('because').hidden = reason === null;
  document.getElementById('reason').textContent = reason ?? '';
  const end = application.key_shown_until ?? application.ends_at;
  if (end !== null) {
    for (const time of document.querySelectorAll('.ends time')) time.textContent = timeOf(end);
  }
  if (application.key_terms !== null) showTerms(application.key_terms);
  show(application.key_shown_until === null ? application.status : 'again');
}

function showTerms({ quotas, models, expires_at, expires_in_days }) {
  const list = document.getElementById('terms');
  const until =
    expires_in_days !== null
      ? words.expiresDays.replace('{days}', expires_in_days)
      : expires_at !== null
        ? words.expiresAt.replace('{time}', timeOf(expires_at))
        : words.expiresNever;
  list.replaceChildren(
    ...entry(words.quotas, quotas.length === 0 ? [words.anything] : quotas.map(quotaOf)),
    ...entry(words.models, [models === null ? words.everyModel : models.join(', ')]),
    ...entry(words.expires, [until]),
  );
}

function entry(name, values) {
  return [element('dt', name), ...values.map((value) => element('dd', value))];
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function quotaOf({ meter, period, limit }) {
  const shown = (meter === 'cost' ? limit / 1e6 : limit).toLocaleString(document.documentElement.lang);
  const parts = { limit: shown, meter: words[meter], period: words[period] };
  return words.quota.replace(/\{(\w+)\}/g, (_, name) => parts[name]);
}

function timeOf(at) {
  return new Date(at).toLocaleString(document.documentElement.lang, { dateStyle: 'long', timeStyle: 'short' });
}

async function claim(event) {
  const button = event.target;
  button.disabled = true;
  const { status, body } = await ask('v1/applications/claim', asked());
  button.disabled = false;
  if (status === 201) return showKey(body);
  if (status === 200) return showApplication(body);
  if (status === 410) return show(body.error.code === 'application_expired' ? 'expired' : 'claimed');
  if (status === 0) return show('unsure');
  show(status === 404 ? 'unknown' : status === 429 ? 'busy' : 'failed');
}

async function showKey({ key, key_terms }) {
  keep();
  const base = new URL('v1', location.href);
  base.hash = '';
  document.getElementById('key').textContent = key;
  document.getElementById('base').textContent = base.href;
  showCurl(base.href, key, key_terms.models?.[0] ?? 'MODEL');
  show('key');
  if (key_terms.models !== null) return;
  const answer = await fetch('v1/models', { headers: { authorization: 'Bearer ' + key } }).catch(() => undefined);
  const first = answer?.ok ? (await answer.json()).data?.[0]?.id : undefined;
  if (typeof first === 'string') showCurl(base.href, key, first);
}

function showCurl(base, key, model) {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] }).replaceAll("'", "'\\''");
  document.getElementById('curl').textContent = [
    'curl ' + base + '/chat/completions \\',
    "  -H 'Authorization: Bearer " + key + "' \\",
    "  -H 'Content-Type: application/json' \\",
    "  -d '" + body + "'",
  ].join('\n');
}

for (const form of document.querySelectorAll('.paste')) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const link = form.elements.link.value.trim();
    const given = link.slice(link.indexOf('#') + 1);
    if (given === token()) look();
    else location.hash = given;
  });
}
addEventListener('hashchange', look);
onPress('look', look);
onPress('claim', claim);
look();
`;
