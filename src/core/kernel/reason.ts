/**
 * Why a server ended (OTP: exit reasons). `normal`, `shutdown` and `{ shutdown }` are ordered and quiet; `killed` is
 * the mark of an untrappable kill; `{ error }` is a crash; any other string is the author's own word.
 */
import type { Json } from './json.js'

export type Reason = string | { readonly shutdown: Json } | { readonly error: string }

/** Ends that nobody needs to be told about (semantics: gen_server's terminate reasons that are not reported). */
export function isQuiet(reason: Reason): boolean {
  return reason === 'normal' || reason === 'shutdown' || (typeof reason === 'object' && 'shutdown' in reason)
}

/** The reason of a server whose callback threw `thrown`. The stack stays in the log: reasons travel to clients. */
export function crashReason(thrown: unknown): { readonly error: string } {
  return { error: asText(messageOf(thrown)) }
}

/** What was thrown, in a form that can be looked at: even `instanceof` throws for some proxies. */
export function legible(thrown: unknown): unknown {
  try {
    void (thrown instanceof Error)
    return thrown
  } catch {
    return new Error('an error that cannot be read')
  }
}

/** An error may have a getter of its own for its message, and that may throw too. */
function messageOf(thrown: unknown): unknown {
  try {
    return thrown instanceof Error ? thrown.message || thrown.name : thrown
  } catch {
    return 'an error that cannot be read'
  }
}

/** Whatever is thrown has a text: code that reports a crash must not crash of it. */
function asText(value: unknown): string {
  return typeof value === 'string' ? value : printable(value)
}

/** `value` as text of at most `most` characters, for reasons and messages. */
export function printable(value: unknown, most = 200): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch {
    text = undefined
  }
  try {
    text ??= String(value)
  } catch {
    text = 'something that cannot be shown'
  }
  return cutText(text, most)
}

/** `text` in at most `most` characters. It is a copy: a part of a text would keep the whole of it in memory. */
export function cutText(text: string, most: number): string {
  return text.length > most ? Buffer.from(`${text.slice(0, most)}…`).toString() : text
}

/** A reason as words, for messages to people. */
export function describeReason(reason: Reason): string {
  if (typeof reason === 'string') return reason
  return 'error' in reason ? reason.error : `shutdown: ${printable(reason.shutdown)}`
}
