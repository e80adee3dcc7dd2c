/** A server that is kept cannot be brought back; in one sentence, why. */
export class NotRestored extends Error {
  override readonly name = 'NotRestored'
}
