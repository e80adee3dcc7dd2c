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
  #change: Change | undefined = undefined

  constructor(
    private readonly nodes: () => readonly ThreadNode[],
    private readonly changed: (implementation: string, data: DefinitionData) => void,
  ) {}

  reload(implementation: string, options: CodeChangeOptions): Promise<CodeChanged> {
    const change = this.#last.then(() => this.#reload(implementation, options))
    this.#last = change.catch(() => {})
    return change
  }

  /** A node is ready. */
  agree(node: ThreadNode, n: number): void {
    this.#change?.agree({ node, n })
  }

  /** The change that goes on is not done. */
  giveUp(error: Error): void {
    this.#change?.fail(error)
  }

  async #reload(implementation: string, { dryRun = false, timeout, signal }: CodeChangeOptions): Promise<CodeChanged> {
    const nodes = this.nodes()
    const change = new Change(nodes.length)
    this.#change = change
    const gone = signal === undefined ? change.stopped : AbortSignal.any([signal, change.stopped])
    const asked = nodes.map((node) =>
      node.askUntil<Reloaded>(gone, (n) => ({ kind: 'reload', n, implementation, dryRun, timeout })),
    )
    for (const each of asked) each.catch((error) => change.fail(error))
    // Also those that fail, so that the next change finds no node at work.
    await Promise.allSettled(asked)
    if (change.failure !== undefined) throw change.failure
    const done = await Promise.all(asked)
    const [{ changed, data }] = done as [Reloaded]
    if (!dryRun) this.changed(implementation, data)
    const sum = (of: 'servers' | 'migrated') => done.reduce((all, each) => all + each.changed[of], 0)
    return { ...changed, servers: sum('servers'), migrated: sum('migrated') }
  }
}

/** One change, until all nodes are ready or one has failed. */
class Change {
  readonly #ready: Ready[] = []
  readonly #stop = new AbortController()
  failure: Error | undefined = undefined

  constructor(private readonly wanted: number) {}

  get stopped(): AbortSignal {
    return this.#stop.signal
  }

  agree(ready: Ready): void {
    this.#ready.push(ready)
    if (this.failure !== undefined || this.#ready.length === this.wanted) this.#answer()
  }

  /** Those that are ready wait for one that never will be. */
  fail(error: Error): void {
    if (this.failure !== undefined) return
    this.failure = error
    this.#answer()
    this.#stop.abort()
  }

  #answer(): void {
    const { failure } = this
    for (const { node, n } of this.#ready.splice(0)) {
      node.channel.say(
        failure === undefined ? { kind: 'told', n, value: undefined } : { kind: 'failed', n, failure: carry(failure) },
      )
    }
  }
}
