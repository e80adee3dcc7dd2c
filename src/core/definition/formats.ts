/**
 * The string formats that schemas may name (JSON Schema: `format`). TypeBox refuses every value of a format that it has
 * not been told, so these are told to it; the list is closed, and a schema with another format is refused.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { FormatRegistry } from '@sinclair/typebox'

const date = /^\d{4}-\d{2}-\d{2}$/
const time = /^([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i
const isDate = (text: string) => date.test(text) && new Date(`${text}T00:00:00Z`).toJSON()?.slice(0, 10) === text

const formats: Readonly<Record<string, (text: string) => boolean>> = {
  // RFC 3339
  'date-time': (text) => /^.{10}[Tt ]/.test(text) && isDate(text.slice(0, 10)) && time.test(text.slice(11)),
  date: isDate,
  time: (text) => time.test(text),
  // RFC 9562
  uuid: (text) => /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text),
  // What mail servers take in practice, not all that RFC 5322 allows
  email: (text) => text.length <= 254 && /^[^\s@<>()[\],;:"\\]{1,64}@([a-z\d-]{1,63}\.)+[a-z\d-]{1,63}$/i.test(text),
  uri: (text) => /^[a-z][a-z\d+.-]*:\S+$/i.test(text) && URL.canParse(text),
  ipv4: isIPv4,
  ipv6: isIPv6,
}

/** Makes sure that TypeBox knows `format`. `false`: it is not one that schemas may name. */
export function teachFormat(format: string): boolean {
  if (FormatRegistry.Has(format)) return true
  const test = Object.hasOwn(formats, format) ? formats[format] : undefined
  if (test !== undefined) FormatRegistry.Set(format, test)
  return test !== undefined
}
