/**
 * Changes the code of an implementation on all nodes at once: each loads it and makes its servers ready, and when all have, all
 * change over; if one cannot, none does.
 *
 * 1. A node that is lost before all have agreed is one that cannot. Later it is one that has: its next thread runs the new code. So
 *    one that fails then is given up, and nobody who has gone meanwhile keeps it from going on.
 * 2. A node that has come meanwhile changes over after the others.
 */
import type { CodeChanged, CodeChangeOptions, DefinitionData } from '../../index.js'
import { carry, uncarry } from '../wire/carried-failure.js'
import type { Reloaded, Response } from '../wire/messages.js'
import type { ThreadNode } from './thread-node.js'

/** A node that could change over, and has asked whether it may. */
interface Agreed {
  readonly answer: (answer: Response) => void
  readonly n: number
}

export class Reloads {
  /** Settles when no change goes on. */
  #last: Promise<unknown> = Promise.resolve()
  #change: Change | undefined = undefined

  constructor(
    private readonly nodes: () => readonly ThreadNode[],
    /** All nodes are about to change over: a thread that begins from now on runs the new code. */
    private readonly agreed: () => void,
    private readonly changed: (implementation: string, data: DefinitionData) => void,
    /** The node has failed when all had agreed, and runs the old code still. */
    private readonly giveUpNode: (node: ThreadNode, error: Error) => void,
  ) {}

  reload(implementation: string, options: CodeChangeOptions): Promise<CodeChanged> {
    const change = this.#last.then(() => this.#reload(implementation, options))
    this.#last = change.catch(() => {})
    return change
  }

  /** A node is ready. */
  agree(agreed: Agreed): void {
    this.#change?.agree(agreed)
  }

  /** The change that goes on is not done. */
  giveUp(error: Error): void {
    this.#change?.fail(error)
  }

  async #reload(implementation: string, options: CodeChangeOptions): Promise<CodeChanged> {
    const nodes = this.nodes()
    const done = await this.#changeOver(nodes, implementation, options)
    const late = this.nodes().filter((node) => !nodes.includes(node))
    if (late.length > 0) done.push(...(await this.#changeOver(late, implementation, options))) // 2
    const [{ data }] = done as [Reloaded]
    if (options.dryRun !== true) this.changed(implementation, data)
    const all = done.map(({ changed, failure }) => {
      if (failure !== undefined) throw uncarry(failure)
      return changed
    })
    const sum = (of: 'servers' | 'migrated') => all.reduce((sum, each) => sum + each[of], 0)
    return { ...(all[0] as CodeChanged), servers: sum('servers'), migrated: sum('migrated') }
  }

  async #changeOver(
    nodes: readonly ThreadNode[],
    implementation: string,
    { dryRun = false, timeout, signal }: CodeChangeOptions,
  ): Promise<Reloaded[]> {
    const change = new Change(nodes.length, dryRun ? () => {} : this.agreed)
    this.#change = change
    const asked = nodes.map((node) => {
      const { restarts } = node
      const answer = node.askUntil<Reloaded>(change.stopped, (n) => {
        return { kind: 'reload', n, implementation, dryRun, timeout }
      })
      answer.catch((error) => {
        if (!change.fail(error) && node.restarts === restarts) this.giveUpNode(node, error)
      })
      return answer
    })
    const stop = () => change.stop()
    signal?.addEventListener('abort', stop)
    if (signal?.aborted) stop()
    // Also those that fail, so that the next change finds no node at work.
    const outcomes = await Promise.allSettled(asked)
    signal?.removeEventListener('abort', stop)
    if (change.failure !== undefined) throw change.failure
    const done = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []))
    // Of none that has changed over there is anything left to tell.
    if (done.length === 0) await asked[0]
    return done
  }
}

/** One change, until all nodes are ready or one has failed. */
class Change {
  readonly #ready: Agreed[] = []
  readonly #stop = new AbortController()
  #isAgreed = false
  failure: Error | undefined = undefined

  constructor(
    private readonly wanted: number,
    private readonly agreed: () => void,
  ) {}

  get stopped(): AbortSignal {
    return this.#stop.signal
  }

  agree(agreed: Agreed): void {
    this.#ready.push(agreed)
    if (this.failure !== undefined) this.#answer()
    else if (this.#ready.length === this.wanted) {
      this.#isAgreed = true
      this.agreed()
      this.#answer()
    }
  }

  /** Those that are ready wait for one that never will be. `false`: all had agreed before. */
  fail(error: Error): boolean {
    if (this.#isAgreed) return false // 1
    if (this.failure !== undefined) return true
    this.failure = error
    this.#answer()
    this.#stop.abort()
    return true
  }

  /** Nobody wants it any more. */
  stop(): void {
    if (!this.#isAgreed) this.#stop.abort()
  }

  #answer(): void {
    const { failure } = this
    for (const { answer, n } of this.#ready.splice(0)) {
      answer(
        failure === undefined ? { kind: 'told', n, value: undefined } : { kind: 'failed', n, failure: carry(failure) },
      )
    }
  }
}
