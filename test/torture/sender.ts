/** A client that sends one message after the other to servers at random, and writes down what it heard of each. */
import type { Fate, Sent } from './history.js'

export interface Answered {
  readonly fate: Fate
  readonly revision?: number
  readonly reply?: number
}

/** How a message gets to its server. */
export interface Line {
  call(id: string, message: string, args: object, key?: string): Promise<Answered>
  cast(id: string, message: string, args: object, key?: string): Promise<Answered>
  start(id: string, key?: string): Promise<Answered>
}

export interface SenderTerms {
  readonly name: string
  readonly line: Line
  readonly servers: readonly string[]
  /** From 0 to 1. */
  readonly random: () => number
  readonly history: Sent[]
  readonly isOver: () => boolean
  /** Whoever has no answer asks again under the same key until it has one. */
  readonly asksAgain: boolean
}

export async function send({ name, line, servers, random, history, isOver, asksAgain }: SenderTerms): Promise<void> {
  const numbers = new Map<string, number>()
  const pick = () => servers[Math.floor(random() * servers.length)] as string
  let started = 0
  while (!isOver()) {
    const dice = random()
    const kind = dice < 0.5 ? 'note' : dice < 0.75 ? 'jot' : dice < 0.97 ? 'pass' : 'start'
    const server = kind === 'start' ? `${name}-${++started}` : pick()
    const n = kind === 'start' ? started : (numbers.get(server) ?? 0) + 1
    if (kind !== 'start') numbers.set(server, n)
    const key = asksAgain ? `${name}-${server}-${n}` : undefined
    const args = { by: name, n, ...(kind === 'pass' && { to: pick() }) }
    const ask = () => {
      if (kind === 'start') return line.start(server, key)
      return kind === 'jot' ? line.cast(server, kind, args, key) : line.call(server, kind, args, key)
    }
    const start = performance.now()
    let answered = await ask()
    let { fate } = answered
    while (asksAgain && answered.fate !== 'ok' && !isOver()) {
      answered = await ask()
      // Once nobody knew, only an answer tells.
      if (fate === 'none' || answered.fate === 'ok') fate = answered.fate
    }
    history.push({ sender: name, server, n, kind, start, end: performance.now(), ...answered, fate })
  }
}

/** The same numbers for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
