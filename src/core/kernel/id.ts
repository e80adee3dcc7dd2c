/** The names of servers: how they are spelt. */

/**
 * 1 to 128 of the characters that need no encoding in a URL's path (RFC 3986: unreserved, and `:`), and not a dot
 * segment, which a client would resolve away.
 */
export const ID_PATTERN = '^(?!\\.{1,2}$)[A-Za-z0-9._~:-]{1,128}$'

const grammar = new RegExp(ID_PATTERN)

export function isId(id: unknown): id is string {
  return typeof id === 'string' && grammar.test(id)
}
