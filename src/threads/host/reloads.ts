/**
 * Changes the code of an implementation on all nodes at once: each loads it and makes its servers ready, and when all have, all
 * change over; if one cannot, none does.
 */
import type { CodeChanged, CodeChangeOptions, DefinitionData } from '../../index.js'
import { carry } from '../wire/carried-failure.js'
import type { Reloaded } from '../wire/messages.js'
import type { ThreadNode } from './thread-node.js'

interface Ready {
  readonly node: ThreadNode
  readonly n: number
}

export class Reloads {
  /** Settles when no change goes on. */
  #last: Promise<unknown> = Promise.resolve()
  readonly #ready: Ready[] = []
  #wanted = 0
  #stop: AbortController | undefined = undefined

  constructor(
    private readonly nodes: () => readonly ThreadNode[],
    private readonly changed: (implementation: string, data: DefinitionData) => void,
  ) {}

  reload(implementation: string, options: CodeChangeOptions): Promise<CodeChanged> {
    const change = this.#last.then(() => this.#reload(implementation, options))
    this.#last = change.catch(() => {})
    return change
  }

  /** No change that goes on is done. */
  giveUp(error: Error): void {
    this.#stop?.abort()
    this.#answer(error)
  }

  /** A node is ready. */
  agree(node: ThreadNode, n: number): void {
    this.#ready.push({ node, n })
    if (this.#ready.length === this.#wanted) this.#answer()
  }

  async #reload(implementation: string, { dryRun = false, timeout, signal }: CodeChangeOptions): Promise<CodeChanged> {
    const nodes = this.nodes()
    this.#wanted = nodes.length
    this.#ready.length = 0
    const stop = new AbortController()
    this.#stop = stop
    const gone = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
    const changes = nodes.map((node) =>
      node.askUntil<Reloaded>(gone, (n) => ({ kind: 'reload', n, implementation, dryRun, timeout })),
    )
    let done: Reloaded[]
    try {
      done = await Promise.all(changes)
    } catch (error) {
      // Those that are ready wait for one that never will be.
      stop.abort()
      this.#answer(error as Error)
      throw error
    } finally {
      await Promise.allSettled(changes)
      this.#wanted = 0
      this.#stop = undefined
    }
    const [{ changed, data }] = done as [Reloaded]
    if (!dryRun) this.changed(implementation, data)
    const sum = (of: 'servers' | 'migrated') => done.reduce((all, each) => all + each.changed[of], 0)
    return { ...changed, servers: sum('servers'), migrated: sum('migrated') }
  }

  #answer(error?: Error): void {
    for (const { node, n } of this.#ready.splice(0)) {
      node.channel.say(
        error === undefined ? { kind: 'told', n, value: undefined } : { kind: 'failed', n, failure: carry(error) },
      )
    }
  }
}
