/** A command could not do what it was asked for. The message is one line that says what to do next. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

/** What a command was given does not say what to do. The message is one line with what there is to say. */
export class WrongUsage extends Error {
  override readonly name = 'WrongUsage';
}
