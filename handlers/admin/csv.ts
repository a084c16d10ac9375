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

function cellOf(value: Cell): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  // A label is what somebody wrote: a spreadsheet must not take it for a formula (OWASP, CSV injection).
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
