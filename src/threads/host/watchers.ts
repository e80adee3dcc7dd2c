/** Who hears what a node tells of its servers, by the numbers of their watches. */
import type { Seen, ToNode, TraceMessage, WatchMessage } from '../wire/messages.js'

/** Whoever watches or traces a server that is on the node. */
export interface Watcher {
  hear(seen: Seen): void
}

export class Watchers {
  readonly #watchers = new Map<number, Watcher>()
  #count = 0

  /** Gives the number, which no other one ever has. */
  add(watcher: Watcher): number {
    this.#watchers.set(++this.#count, watcher)
    return this.#count
  }

  /** `false`: it is not here. */
  delete(watch: number): boolean {
    return this.#watchers.delete(watch)
  }

  hear(seen: Seen): void {
    for (const watch of seen.watches) this.#watchers.get(watch)?.hear(seen)
  }

  /** The thread is lost. Stays only who has asked for the first time, and has no answer yet: it may be asked for again. */
  keepOnly(open: readonly { readonly said: ToNode }[]): void {
    const asked = new Set(open.map(({ said }) => (isFirstWatch(said) ? said.watch : undefined)))
    for (const watch of this.#watchers.keys()) if (!asked.has(watch)) this.#watchers.delete(watch)
  }
}

/** Asks to watch, or to trace, and nobody else asks again for it. */
export function isFirstWatch(said: ToNode): said is WatchMessage | TraceMessage {
  return (said.kind === 'watch' || said.kind === 'trace') && said.isFirst
}
