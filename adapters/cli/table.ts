export type Row = Readonly<Record<string, string | number | null>>;

const GAP = '  ';
const CELL_WIDTH_MIN = 8;
// East Asian Wide and Fullwidth (UAX #11), and emoji: two columns of a terminal.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;

/** What could move the cursor, end the line, or turn the direction of writing (UAX #9): names of models are strangers'. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Of a list of what something is: a sentence, or a key, which is worth nothing cut. It goes on in the next line. */
const WRAPPED: ReadonlySet<string> = new Set(['value', 'is']);
const WRAPPED_WIDTH_MIN = 16;

/** With fewer than so many of its columns a table says nothing. */
const COLUMNS_MIN = 3;

/** What a person copies from a table is worth nothing cut. */
const NEVER_CUT: ReadonlySet<string> = new Set(['id', 'key']);

/**
 * Rows as aligned lines under their members' names, numbers to the right; a member that is `null` in all of
 * them is left out. Where lines would be wider than `columns`, the widest texts are cut, and then the last
 * members left out, or, where next to nothing would be left, each row is a list; nothing is cut where output is no
 * terminal, or one that does not know its size.
 */
export function table(rows: readonly Row[], columns: number | undefined = process.stdout.columns): string {
  const room = columns || Number.POSITIVE_INFINITY;
  const said = Object.keys(rows[0] ?? {}).filter((name) => rows.some((row) => row[name] !== null));
  const [first = '', second = ''] = said;
  if (WRAPPED.has(second)) {
    const pairs = rows.map((row) => [cellOf(row, first), cellOf(row, second)] as const);
    return list([[first.toUpperCase(), second.toUpperCase()], ...pairs], room);
  }
  const fullWidths = said.map((name) =>
    Math.max(widthOf(name), ...rows.map((row) => widthOf(cellOf(row, name)))),
  );
  const widths = fitted(said, fullWidths, room);
  if (widths.length < Math.min(COLUMNS_MIN, said.length))
    return rows.map((row) => block(row, room)).join('\n');
  const names = said.slice(0, widths.length);
  const lines = [
    names.map((name) => name.toUpperCase()),
    ...rows.map((row) => names.map((name) => cellOf(row, name))),
  ];
  const isNumber = names.map((name) => rows.every((row) => typeof row[name] !== 'string'));
  return lines
    .map((line) => line.map((cell, column) => padded(cell, widths[column] ?? 0, isNumber[column] === true)))
    .map((line) => `${line.join(GAP).trimEnd()}\n`)
    .join('');
}

/** Texts beside their names. A word that is longer than the line is left whole, to be copied. */
function list(pairs: readonly (readonly [string, string])[], columns: number): string {
  const width = Math.max(...pairs.map(([name]) => widthOf(name)));
  const room = Math.max(columns - width - GAP.length, WRAPPED_WIDTH_MIN);
  return pairs
    .flatMap(([name, text]) =>
      wrapped(text, room).map((line, index) => padded(index === 0 ? name : '', width, false) + GAP + line),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || widthOf(line) + 1 + widthOf(word) > width) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

function block(row: Row, columns: number): string {
  const names = Object.keys(row).filter((name) => row[name] !== null);
  return list(
    names.map((name) => [name.toUpperCase(), cellOf(row, name)]),
    columns,
  );
}

/** A text on one line of a terminal that does nothing to it. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\ufffd');
}

/** Columns of a terminal that a text takes. */
export function widthOf(text: string): number {
  return graphemesOf(text).reduce((sum, grapheme) => sum + (WIDE.test(grapheme) ? 2 : 1), 0);
}

function cellOf(row: Row, name: string): string {
  return printable(String(row[name] ?? ''));
}

/** The widths of as many of the first columns as fit. */
function fitted(names: readonly string[], widths: readonly number[], columns: number): number[] {
  const fit = [...widths];
  const total = () => fit.reduce((sum, width) => sum + width, GAP.length * (fit.length - 1));
  while (total() > columns && fit.length > 1) {
    const spare = fit.map((width, column) =>
      NEVER_CUT.has(names[column] ?? '') ? 0 : width - CELL_WIDTH_MIN,
    );
    const most = Math.max(...spare);
    const widest = spare.indexOf(most);
    if (most <= 0) fit.pop();
    else fit[widest] = (fit[widest] ?? 0) - 1;
  }
  return fit;
}

function padded(text: string, width: number, toTheRight: boolean): string {
  const cut = widthOf(text) > width ? shortened(text, width) : text;
  const space = ' '.repeat(Math.max(0, width - widthOf(cut)));
  return toTheRight ? space + cut : cut + space;
}

/** A number within a text is not cut: what is left of it would be read as a number. */
function shortened(text: string, width: number): string {
  let kept = '';
  for (const grapheme of graphemesOf(text)) {
    if (widthOf(kept + grapheme) > width - 1) break;
    kept += grapheme;
  }
  const cutsNumber = /^\d/.test(text.slice(kept.length));
  return `${cutsNumber ? kept.replace(/ [\d.]+$/, ' ') : kept}…`;
}

/** What a reader takes for one character: an accent takes no column of its own. */
function graphemesOf(text: string): string[] {
  return [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
}
