/** JSON text with pieces in it that `JSON.stringify` would never write: numbers out of range, bad escapes, broken syntax. */

/** Text that goes into the JSON as it is. */
export class Raw {
  constructor(readonly text: string) {}
}

/** The text of a value that may have `Raw` pieces in it. */
export function jsonText(value: unknown): string {
  if (value instanceof Raw) return value.text
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${jsonText(member)}`).join(',')}}`
  }
  return JSON.stringify(value) ?? 'null'
}
