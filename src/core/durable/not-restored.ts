/** A server that is kept cannot be brought back; in one sentence, why. */
export class NotRestored extends Error {
  override readonly name = 'NotRestored'
}

/** What is kept cannot even be read. */
export function notRestored(error: unknown): NotRestored {
  return error instanceof NotRestored
    ? error
    : new NotRestored(`what is kept cannot be read: ${(error as Error).message}`, { cause: error })
}
