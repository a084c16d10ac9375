export type Row = Readonly<Record<string, string | number | null>>;

const GAP = '  ';
const CELL_WIDTH_MIN = 8;
// East Asian Wide and Fullwidth (UAX #11), and emoji: two columns of a terminal.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;

/** What a person copies from a table is worth nothing cut. */
const NEVER_CUT: ReadonlySet<string> = new Set(['id', 'key']);

/**
 * Rows as aligned lines under their members' names, numbers to the right; a member that is `null` in all of
 * them is left out. Where lines would be wider than `columns`, the widest texts are cut, and then the last
 * members left out; nothing is where output is no terminal, or one that does not know its size.
 */
export function table(rows: readonly Row[], columns: number | undefined = process.stdout.columns): string {
  const said = Object.keys(rows[0] ?? {}).filter((name) => rows.some((row) => row[name] !== null));
  const fullWidths = said.map((name) =>
    Math.max(widthOf(name), ...rows.map((row) => widthOf(cellOf(row, name)))),
  );
  const widths = fitted(said, fullWidths, columns || Number.POSITIVE_INFINITY);
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

/** Columns of a terminal that a text takes. */
export function widthOf(text: string): number {
  return graphemesOf(text).reduce((sum, grapheme) => sum + (WIDE.test(grapheme) ? 2 : 1), 0);
}

function cellOf(row: Row, name: string): string {
  return String(row[name] ?? '');
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

function shortened(text: string, width: number): string {
  let kept = '';
  for (const grapheme of graphemesOf(text)) {
    if (widthOf(kept + grapheme) > width - 1) break;
    kept += grapheme;
  }
  return `${kept}…`;
}

/** What a reader takes for one character: an accent takes no column of its own. */
function graphemesOf(text: string): string[] {
  return [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
}
