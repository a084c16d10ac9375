export type Row = Readonly<Record<string, string | number | null>>;

const GAP = '  ';
const CELL_WIDTH_MIN = 8;
// East Asian Wide and Fullwidth (UAX #11), and emoji: two columns of a terminal.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;

/**
 * Rows as aligned lines under their members' names, numbers to the right, `null` as nothing.
 * Where lines would be wider than `columns`, the widest texts are cut; nothing is where output is no terminal.
 */
export function table(rows: readonly Row[], columns: number | undefined = process.stdout.columns): string {
  const names = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => names.map((name) => String(row[name] ?? '')));
  const lines = [names.map((name) => name.toUpperCase()), ...cells];
  const widths = fitted(
    names.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] ?? '')))),
    columns ?? Number.POSITIVE_INFINITY,
  );
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

function fitted(widths: readonly number[], columns: number): number[] {
  const fit = [...widths];
  const total = () => fit.reduce((sum, width) => sum + width, GAP.length * (fit.length - 1));
  for (let over = total() - columns; over > 0; over = total() - columns) {
    const widest = fit.indexOf(Math.max(...fit));
    const width = fit[widest] ?? 0;
    if (width <= CELL_WIDTH_MIN) break;
    fit[widest] = Math.max(CELL_WIDTH_MIN, width - Math.max(1, Math.floor(over / fit.length)));
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
