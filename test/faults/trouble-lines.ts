import type { ServerProcess } from '#test/fakes/server-process.ts';

/** What the lines say that tell of the beginning or the end of a trouble, in order. */
export function troubleLines(server: ServerProcess): readonly string[] {
  return logLines(server)
    .filter(({ trouble }) => trouble !== undefined)
    .map(({ msg }) => String(msg));
}

/** The lines that tell of a failure of any kind. */
export function errorLines(server: ServerProcess): readonly string[] {
  return logLines(server)
    .filter(({ level }) => level === 'error')
    .map(({ msg }) => String(msg));
}

function logLines(server: ServerProcess): readonly Record<string, unknown>[] {
  const lines = server.written().split('\n');
  return lines
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
