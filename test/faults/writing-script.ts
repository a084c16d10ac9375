/**
 * A function in a program: opens the database at `path` as a server does, twice, records a few requests each time, and
 * says what was acknowledged, one thing a line. What could not be recorded is asked for once more, as by the proxy.
 */
export const WRITING = `
import { openDatabase } from '#adapters/sqlite/database.ts';
import { LIMITS } from '#adapters/sqlite/limits.ts';
import { openWriter } from '#adapters/sqlite/writer.ts';
import { calendarOf } from '#core/window.ts';
import { idOf, keyNumber, operation, releasing, reserving, settling, usageOf } from '#test/conformance/specimens.ts';

const KEY = keyNumber(1);

function write(path, synchronous, requests, say) {
for (let life = 0; life < 2; life += 1) {
  const database = openDatabase(path);
  if (synchronous !== 'as it is') database.pragma('synchronous = ' + synchronous);
  // So few pages that the log is folded into the database and begun anew while there is work.
  database.pragma('wal_autocheckpoint = 12');
  const writer = openWriter(database, calendarOf('UTC'), LIMITS);
  const ask = (said, call) => {
    for (let tries = 0; tries < 2; tries += 1) {
      const [answer] = writer.answer([call]);
      if (answer.kind === 'done' && (answer.value?.ended ?? answer.value?.admitted ?? true)) {
        say(said);
        return;
      }
    }
  };
  if (life === 0) ask('key', ['addKey', KEY, operation('keys.create', KEY.id)]);
  for (let made = 1; made <= requests; made += 1) {
    const n = life * requests + made;
    const id = idOf('request', n);
    ask('reserved ' + id, ['execute', reserving(n, KEY)]);
    if (n % 4 === 0) ask('ended ' + id, ['execute', releasing(n, KEY)]);
    else if (n % 4 !== 3) ask('ended ' + id, ['execute', settling(n, KEY, usageOf(n, n))]);
  }
  writer.close();
}
}
`;
