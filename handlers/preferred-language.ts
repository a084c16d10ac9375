/** The languages that pages are in, by their tags (BCP 47). */
export type Language = 'en' | 'zh-CN';

/** No browser says more; each part of a long header would be looked through again for each of its spaces. */
const LENGTH_READ_MAX = 500;

/** The language that a browser prefers (`Accept-Language`, RFC 9110 §12.5.4), of those that there are. */
export function preferredLanguage(accepted: string | null): Language {
  const ranges = (accepted ?? '')
    .slice(0, LENGTH_READ_MAX)
    .split(',')
    .map((range) => /^\s*([a-z]{1,8})[a-z0-9-]*\s*(?:;\s*q=([\d.]+))?\s*$/i.exec(range))
    .map((match) => ({ primary: match?.[1]?.toLowerCase(), weight: Number(match?.[2] ?? 1) }))
    .filter(({ primary, weight }) => (primary === 'zh' || primary === 'en') && weight > 0);
  const best = ranges.reduce((best, range) => (range.weight > best.weight ? range : best), {
    primary: 'en',
    weight: 0,
  });
  return best.primary === 'zh' ? 'zh-CN' : 'en';
}
