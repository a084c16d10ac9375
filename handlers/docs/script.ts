/** Search, and buttons that copy. The page says the same without it. */
export const SCRIPT = `'use strict';
const { copy, copied } = document.body.dataset;
document.getElementById('origin').textContent = location.origin;

if (navigator.clipboard) {
  for (const pre of document.querySelectorAll('pre')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = copy;
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(pre.querySelector('code').textContent);
      button.textContent = copied;
      setTimeout(() => (button.textContent = copy), 1500);
    });
    pre.append(button);
  }
}

const search = document.getElementById('search');
const articles = [...document.querySelectorAll('article')];
const links = new Map([...document.querySelectorAll('nav li a')].map((link) => [link.hash.slice(1), link.parentElement]));
search.hidden = false;
search.addEventListener('input', () => {
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  for (const article of articles) {
    const text = article.dataset.find;
    const isMeant = words.every((word) => text.includes(word));
    article.hidden = !isMeant;
    links.get(article.id).hidden = !isMeant;
  }
  for (const section of document.querySelectorAll('main > section:not(.intro)')) {
    section.hidden = section.querySelector('article:not([hidden])') === null;
  }
});

// On a telephone the contents would be a screen of their own.
if (matchMedia('(max-width: 60rem)').matches) document.querySelector('nav details').open = false;
`;
