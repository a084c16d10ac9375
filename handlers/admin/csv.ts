type Cell = string | number | null;

/** A table as a file (RFC 4180), with the names of its columns in the first line, and where to go on in a header. */
export function csv<Column extends string>(
  fileName: string,
  columns: readonly Column[],
  rows: readonly Readonly<Record<Column, Cell>>[],
  nextCursor: string | null = null,
): Response {
  const lines = [
    columns.join(','),
    ...rows.map((row) => columns.map((column) => cellOf(row[column])).join(',')),
  ];
  return new Response(lines.map((line) => `${line}\r\n`).join(''), {
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="${fileName}"`,
      ...(nextCursor !== null && { 'x-next-cursor': nextCursor }),
    },
  });
}

// A label or a model is what somebody wrote: a spreadsheet must not take it for a formula (OWASP, CSV injection). It also
// takes one that is written full-width, and where numbers have a decimal comma a cell ends at a semicolon, quoted or not.
const FORMULAS = /(^|[;\t\r\n]"*)(?=[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])/g;

function cellOf(value: Cell): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = value.replace(FORMULAS, "$1'");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
