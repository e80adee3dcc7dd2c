/** Nobody is found by what is not declared: it would mean to look at everybody. */
export function notIndexed(implementation: string, property: string): Error {
  return new Error(`servers of ${implementation} are not indexed by ${property}`)
}
