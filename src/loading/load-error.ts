/**
 * An implementation could not be loaded. The message is for the person who starts the gateway: it names the file, the
 * place in it where that is known, and what is wrong; there is nothing more to be learned from the stack.
 */
/** Its modules were not loaded, and nothing is left to do, or one of them holds its thread. */
export const NEVER_LOADED =
  'the start came to no end: a module of an implementation waits for something that never comes, or loops'

export class LoadError extends Error {
  override readonly name = 'LoadError'

  constructor(
    /** The file or directory at fault. */
    readonly file: string,
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`${file}: ${problem}`, options)
  }
}
