/** What clients did and heard, and whether what servers tell afterwards can have come of that (Jepsen's questions). */
import { hasHeard, type Track } from './track.js'

/** `ok`: it was acknowledged; `none`: it was said to have had no effect; `unknown`: nobody knows. */
export type Fate = 'ok' | 'none' | 'unknown'

export interface Sent {
  readonly sender: string
  readonly server: string
  readonly n: number
  readonly kind: 'note' | 'pass' | 'jot' | 'start'
  readonly fate: Fate
  /** Milliseconds of the clients' one clock. */
  readonly start: number
  readonly end: number
  /** Of an acknowledged call. */
  readonly revision?: number
  readonly reply?: number
}

/** The state of a `book`. */
export interface Book {
  readonly total: number
  readonly heard: Readonly<Record<string, Track>>
  readonly sent: Readonly<Record<string, number>>
}

export interface Verdict {
  readonly acknowledged: number
  readonly unknown: number
  /** Acknowledged, and not there. */
  readonly lost: string[]
  /** There more than once, or in another order than it was sent. */
  readonly doubled: string[]
  /** There, and never sent or said to have had no effect. */
  readonly phantom: string[]
  /** Replies that no order of the calls explains. */
  readonly disorder: string[]
}

/** `books` has each server that is there. */
export function judge(history: readonly Sent[], books: ReadonlyMap<string, Book>): Verdict {
  const verdict: Verdict = {
    acknowledged: history.filter(({ fate }) => fate === 'ok').length,
    unknown: history.filter(({ fate }) => fate === 'unknown').length,
    ...{ lost: [], doubled: [], phantom: [], disorder: [] },
  }
  const sentBy = new Map<string, number>()
  for (const { sender, server, n, kind, fate } of history) {
    const book = books.get(server)
    const what = `${kind} ${n} of ${sender} to ${server}`
    if (kind === 'start') {
      if (fate === 'ok' && book === undefined) verdict.lost.push(what)
      if (fate === 'none' && book !== undefined) verdict.phantom.push(what)
      continue
    }
    const pair = `${sender} ${server}`
    sentBy.set(pair, Math.max(n, sentBy.get(pair) ?? 0))
    const isThere = hasHeard(book?.heard[sender], n)
    if (fate === 'ok' && !isThere) verdict.lost.push(what)
    if (fate === 'none' && isThere) verdict.phantom.push(what)
  }
  for (const [server, book] of books) judgeBook(server, book, books, sentBy, verdict)
  judgeOrder(history, verdict)
  return verdict
}

/**
 * What of a history is known of a copy that was made between two moments: what was told before it must be there, and what was sent
 * after it must not.
 */
export function knownOfCopy(history: readonly Sent[], begun: number, done: number): Sent[] {
  return history.map((sent) => {
    if (sent.end < begun) return sent
    return { ...sent, fate: sent.start > done ? 'none' : 'unknown' }
  })
}

/**
 * Who sends one message after the other, and has an answer to each before the next, finds the first of them in a copy, up to one of them
 * (a consistent prefix), also where they went to different servers. Tells what is missing before something that is there.
 */
export function gaps(history: readonly Sent[], books: ReadonlyMap<string, Book>): string[] {
  const found: string[] = []
  const missing = new Map<string, string>()
  for (const { sender, server, n, kind } of [...history].sort((a, b) => a.start - b.start)) {
    const book = books.get(server)
    const isThere = kind === 'start' ? book !== undefined : hasHeard(book?.heard[sender], n)
    const what = `${kind} ${n} of ${sender} to ${server}`
    const before = missing.get(sender)
    if (!isThere) missing.set(sender, before ?? what)
    else if (before !== undefined) found.push(`${before}, before ${what}`)
  }
  return found
}

function judgeBook(
  server: string,
  { heard, sent }: Book,
  books: ReadonlyMap<string, Book>,
  sentBy: ReadonlyMap<string, number>,
  { lost, doubled, phantom }: Verdict,
): void {
  for (const [sender, { last, missing, doubled: twice }] of Object.entries(heard)) {
    for (const n of twice) doubled.push(`${n} of ${sender} to ${server}`)
    const passed = books.get(sender)?.sent[server]
    // What a server passes on is written with its state: nothing of it may be missing.
    if (passed !== undefined) for (const n of missing) lost.push(`${n} of ${sender} to ${server}`)
    if (last > (passed ?? sentBy.get(`${sender} ${server}`) ?? 0)) phantom.push(`${last} of ${sender} to ${server}`)
  }
  for (const [to, passed] of Object.entries(sent)) {
    const last = books.get(to)?.heard[server]?.last ?? 0
    if (last < passed) lost.push(`${last + 1} to ${passed} of ${server} to ${to}`)
  }
}

/**
 * Every turn of a book is a revision and one more in its total, so that each reply says where in the order its call was taken. That
 * order must be one in which no call comes before another that had its answer before this one was sent (linearizability).
 */
function judgeOrder(history: readonly Sent[], { disorder }: Verdict): void {
  const calls = new Map<string, Sent[]>()
  for (const sent of history) {
    if (sent.revision === undefined) continue
    const own = calls.get(sent.server)
    if (own === undefined) calls.set(sent.server, [sent])
    else own.push(sent)
  }
  for (const [server, own] of calls) {
    const taken = [...own].sort((a, b) => (a.revision as number) - (b.revision as number))
    let earliest = Number.POSITIVE_INFINITY
    for (let i = taken.length - 1; i >= 0; i--) {
      const { revision, reply, start, end } = taken[i] as Sent
      if (earliest < start) disorder.push(`revision ${revision} of ${server} was asked for after a later one was told`)
      if (taken[i + 1]?.revision === revision) disorder.push(`revision ${revision} of ${server} was told twice`)
      if (reply !== (revision as number) - 1) disorder.push(`revision ${revision} of ${server} has the total ${reply}`)
      earliest = Math.min(earliest, end)
    }
  }
}
