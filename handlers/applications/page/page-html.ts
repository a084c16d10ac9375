import type { Language } from '../../preferred-language.ts';
import type { PageText } from './page-text.ts';
import { PAGE_TEXT } from './page-text.ts';

/** The page on which somebody applies for a key. */
export function applyHtml(language: Language): string {
  const text = PAGE_TEXT[language];
  return html(language, text.applyTitle, 'apply.js', {}, [
    `<section data-state="form"><p>${text.applyIntro}</p>`,
    '<form id="form" autocomplete="off">',
    `<label>${text.name}${nameInput(text)}</label>`,
    `<label><span>${text.contact} <small>(${text.optional})</small></span>`,
    `<input name="contact" maxlength="200" placeholder="${text.contactHint}"></label>`,
    `<label><span>${text.reason} <small>(${text.optional})</small></span>`,
    '<textarea name="reason" rows="4" maxlength="1000"></textarea></label>',
    `<p id="wrong" class="bad" role="alert" hidden>${text.wrong}</p>`,
    `<button>${text.send}</button></form></section>`,
    section('sent', text.sentTitle, text.sentIntro, [
      copyable('link', text.link, text),
      `<p><a id="open" href="claim">${text.open}</a></p>`,
    ]),
    section('busy', text.busyTitle, text.busyIntro, [again('form', text.back)]),
    section('full', text.fullTitle, text.fullIntro),
    section('failed', text.failedTitle, text.failedIntro, [again('form', text.back)]),
  ]);
}

/** The page on which the applicant sees what became of it, and takes the key. */
export function claimHtml(language: Language): string {
  const text = PAGE_TEXT[language];
  const { show, lookAgain } = text;
  const look = again('look', lookAgain);
  const paste = [
    `<form class="paste" autocomplete="off"><label>${text.link}<input name="link" required></label>`,
    `<button>${text.go}</button></form>`,
  ];
  const applyAgain = `<p><a href="apply">${text.again}</a></p>`;
  return html(language, text.claimTitle, 'claim.js', words(text), [
    `<section data-state="looking"><p role="status">${text.looking}</p></section>`,
    section('none', text.noneTitle, text.noneIntro, paste),
    section('pending', text.pendingTitle, text.pendingIntro, [ends(text.pendingEnds), look]),
    section('approved', text.approvedTitle, text.approvedIntro, [
      '<dl id="terms"></dl>',
      ends(text.approvedEnds),
      `<p id="show"><button type="button" data-do="claim">${show}</button></p>`,
    ]),
    section('key', text.keyTitle, text.keyIntro, [
      copyable('key', text.key, text),
      `<h2>${text.useTitle}</h2><p>${text.useIntro}</p>`,
      copyable('base', text.baseUrl, text),
      `<p>${text.curlIntro}</p>`,
      copyable('curl', 'curl', text),
    ]),
    section('rejected', text.rejectedTitle, text.rejectedIntro, [
      `<div id="because"><p>${text.rejectedReason}</p><blockquote id="reason"></blockquote></div>`,
      applyAgain,
    ]),
    section('again', text.claimedTitle, text.againIntro, [
      ends(text.againEnds),
      again('claim', text.showAgain),
    ]),
    section('claimed', text.claimedTitle, text.claimedIntro, [applyAgain]),
    section('expired', text.expiredTitle, text.expiredIntro, [applyAgain]),
    section('unknown', text.unknownTitle, text.unknownIntro, [...paste, applyAgain]),
    section('busy', text.busyTitle, text.busyIntro, [look]),
    section('failed', text.failedTitle, text.failedIntro, [look]),
    section('unsure', text.unsureTitle, text.unsureIntro, [again('claim', text.tryAgain)]),
  ]);
}

/** Addresses are relative, so that the pages work below any path of a reverse proxy. */
function html(
  language: Language,
  title: string,
  script: string,
  said: Readonly<Record<string, string>>,
  sections: readonly string[],
): string {
  return [
    `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><title>${title}</title>`,
    '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">',
    '<link rel="icon" href="data:,"><link rel="stylesheet" href="apply/page.css">',
    `<script type="module" src="apply/${script}"></script></head>`,
    `<body data-words="${escaped(JSON.stringify(said))}"><main><h1>${title}</h1>`,
    `<noscript><p class="bad">${PAGE_TEXT[language].needsScript}</p></noscript>`,
    ...sections,
    '</main></body></html>\n',
  ].join('\n');
}

function section(state: string, title: string, intro: string, more: readonly string[] = []): string {
  return `<section data-state="${state}" hidden><h2 tabindex="-1">${title}</h2><p>${intro}</p>${more.join('\n')}</section>`;
}

function copyable(id: string, name: string, { copy, copied, copyByHand }: PageText): string {
  return [
    `<div class="copyable"><span>${name}</span><code id="${id}"></code>`,
    `<button type="button" data-copy="${id}" data-copied="${copied}" data-by-hand="${copyByHand}"`,
    ` aria-label="${copy} ${name}">${copy}</button> <span class="said" role="status"></span></div>`,
  ].join('');
}

/** A name of blanks alone is none: a browser says so, in its own language. */
function nameInput({ nameHint }: PageText): string {
  const asked = String.raw`required maxlength="100" pattern=".*\S.*"`;
  return `<input name="name" ${asked} title="${nameHint}" placeholder="${nameHint}">`;
}

function again(what: string, name: string): string {
  return `<p><button type="button" data-do="${what}">${name}</button></p>`;
}

function ends(name: string): string {
  return `<p class="ends">${name} <time></time></p>`;
}

/** What a script says itself. */
function words(text: PageText): Readonly<Record<string, string>> {
  const { quotas, anything, quota, models, everyModel, expires, expiresDays, expiresAt, expiresNever } = text;
  const { requests, tokens, cost, minute, hour, day, month, total } = text;
  const ofQuotas = { quotas, anything, quota, requests, tokens, cost, minute, hour, day, month, total };
  return { ...ofQuotas, models, everyModel, expires, expiresDays, expiresAt, expiresNever };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
