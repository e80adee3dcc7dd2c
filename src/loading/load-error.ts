/**
 * An implementation could not be loaded. The message is for the person who starts the gateway: it names the file, the
 * place in it where that is known, and what is wrong; there is nothing more to be learned from the stack.
 */

/** All that can be said of a module that is begun, and never there. */
export const NEVER_LOADED = 'its module loops, waits for something that never comes, or ends its thread'

export class LoadError extends Error {
  override readonly name = 'LoadError'

  constructor(
    /** What is at fault: the file or directory, or the name of the implementation. */
    readonly file: string,
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`${file}: ${problem}`, options)
  }
}
