/** This machine, as it is, must not serve. One line, with the way out; nothing was begun. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused';
}
