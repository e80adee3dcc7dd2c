/**
 * What is read is whole, as far as that shows: the texts are JSON. A disk may give back other bytes than it was given, and SQLite looks
 * after the form of its file, not after what is in it.
 */
import type { Kept, KeptBrief } from '../adapters.js'
import { Damaged } from './damaged.js'

/** @throws {Damaged} */
export function mustBeWhole({ server, casts, timers }: Kept): void {
  const { args, terms, state } = server
  const texts = [args, terms, state]
  for (const { args, origin } of [...casts, ...timers]) texts.push(args, origin ?? 'null')
  for (const { answerTo } of casts) texts.push(answerTo ?? 'null')
  if (!texts.every(isJson)) throw new Damaged('a text is no JSON')
}

/** @throws {Damaged} */
export function mustBeWholeBrief({ id, terms }: KeptBrief): void {
  if (!isJson(terms)) throw new Damaged(`what is kept of ${id} is damaged`)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return typeof text === 'string'
  } catch {
    return false
  }
}
