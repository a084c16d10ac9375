/** A command could not do what it was asked for. The message is one line that says what to do next. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}
