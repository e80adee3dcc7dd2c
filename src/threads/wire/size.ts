/** How large args are where nobody has seen their text, in characters of JSON: they count for what may be under way. */
export function sizeOf(args: unknown): number {
  return args === undefined ? 0 : JSON.stringify(args).length
}
