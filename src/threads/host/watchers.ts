/** Who hears what a node tells of its servers, by the numbers of their watches. */
import type { Seen, ToNode } from '../wire/messages.js'

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

  /** The thread is lost, and with it all watches but those that were asked for and have not begun: they may be asked for again. */
  lose(open: readonly { readonly said: ToNode }[]): void {
    const asked = new Set(open.map(({ said }) => (isWatch(said) ? said.watch : undefined)))
    for (const watch of this.#watchers.keys()) if (!asked.has(watch)) this.#watchers.delete(watch)
  }
}

/** Asks to watch, or to trace. */
export function isWatch(said: ToNode): said is Extract<ToNode, { readonly kind: 'watch' | 'trace' }> {
  return said.kind === 'watch' || said.kind === 'trace'
}
