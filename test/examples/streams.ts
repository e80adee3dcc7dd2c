/**
 * Examples that read a stream (`curl -N`). They run beside the commands that follow them, until the gateway of the document
 * closes, and are compared then.
 */
import { alike } from './compare-answer.js'

export function readsStream(command: string): boolean {
  return /^curl (?:\S+ )*?-[a-zA-Z]*N\b/.test(command)
}

/** What differs: each block that is shown must come, in that order. `...` is any value; JSON may have more than is shown. */
export function streamDifferences(actual: string, shown: string): string[] {
  const rest = actual.trim().split(/\n\n+/)
  const faults: string[] = []
  for (const block of shown.trim().split(/\n\n+/)) {
    const at = rest.findIndex((each) => blocksAlike(each.split('\n'), block.split('\n')))
    if (at < 0) faults.push(`the stream has no\n${block}\nin\n${actual}`)
    else rest.splice(0, at + 1)
  }
  return faults
}

function blocksAlike(actual: readonly string[], shown: readonly string[]): boolean {
  return actual.length === shown.length && shown.every((line, at) => linesAlike(actual[at] as string, line))
}

function linesAlike(actual: string, shown: string): boolean {
  const [, field, value = ''] = /^(\w+): (.*)$/.exec(shown) ?? []
  if (field === undefined || !actual.startsWith(`${field}: `)) return false
  const told = actual.slice(field.length + 2)
  if (field === 'data') return alike(JSON.parse(told), JSON.parse(value))
  return value === '...' || value === told
}
