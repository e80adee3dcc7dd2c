/**
 * Who watches or traces a server that is in a thread. A watch outlives the thread: when its server begins again elsewhere, the
 * watch goes on there, and tells that it was restarted. So does a trace, and it ends where its server does not begin by itself.
 */
import {
  type FeedEvent,
  GenServerError,
  type TraceEvent,
  type TraceListener,
  type Watch,
  type WatchOptions,
} from '../../index.js'
import type { Seen } from '../wire/messages.js'
import type { Place } from './place.js'
import type { Places } from './places.js'
import type { ThreadNode } from './thread-node.js'
import type { Watcher } from './watchers.js'

/** One watch of one server. */
class RemoteWatch implements Watch, Watcher {
  position = ''
  isOver = false
  node: ThreadNode | undefined = undefined
  /** Its number on the node. */
  number = 0
  /** How often it was asked for: only the last answer counts. */
  attempt = 0

  constructor(
    readonly id: string,
    readonly listener: (event: FeedEvent) => void,
    readonly onState: WatchOptions['onState'],
    private readonly left: (watch: RemoteWatch) => void,
  ) {}

  hear({ event, view }: Pick<Seen, 'event' | 'view'>): void {
    if (this.isOver) return
    if (view !== undefined) this.onState?.(view)
    if (event === undefined) return
    this.position = event.position
    this.listener(event)
    if (event.event === 'exit') this.#end()
  }

  /** Tells what the gateway itself knows. */
  tell(event: 'restart' | 'exit', data: Extract<FeedEvent['data'], object>): void {
    this.hear({ event: { position: this.position, event, data, json: JSON.stringify(data) } })
  }

  close(): void {
    if (!this.isOver) this.#end()
  }

  #end(): void {
    this.isOver = true
    this.left(this)
    this.node?.unwatch(this.number)
  }
}

interface RemoteTrace {
  readonly id: string
  readonly listener: TraceListener
  isOver: boolean
  node: ThreadNode
  /** Its number on the node. */
  number: number
  /** How often it was asked for: only the last answer counts. */
  attempt: number
}

export class Watches {
  readonly #open = new Set<RemoteWatch>()
  readonly #traces = new Set<RemoteTrace>()

  constructor(
    private readonly places: Places,
    private readonly nodes: () => readonly ThreadNode[],
  ) {}

  async watch(id: string, listener: (event: FeedEvent) => void, { after, onState }: WatchOptions): Promise<Watch> {
    const watch = new RemoteWatch(id, listener, onState, (left) => this.#open.delete(left))
    await this.anywhere(id, (node) => this.#follow(watch, node, after))
    return watch
  }

  async #follow(watch: RemoteWatch, node: ThreadNode, after: string | undefined): Promise<void> {
    const { id, onState, position } = watch
    const isFirst = watch.node === undefined
    watch.node = node
    const patches = onState !== undefined
    const { number, value } = await node.watch<string>((n, number) => {
      return { kind: 'watch', n, watch: number, id, isFirst, after, patches }
    }, watch)
    watch.number = number
    if (watch.isOver) node.unwatch(number)
    else {
      // From now on it outlives the thread.
      this.#open.add(watch)
      if (watch.position === position) watch.position = value
    }
  }

  async trace(id: string, listener: TraceListener): Promise<() => void> {
    const trace = { id, listener, isOver: false, node: this.places.get(id).node, number: 0, attempt: 0 }
    await this.#look(trace, true)
    return () => {
      this.#endTrace(trace)
      trace.node.unwatch(trace.number)
    }
  }

  async #look(trace: RemoteTrace, isFirst: boolean): Promise<void> {
    const { id, node } = trace
    const { number } = await node.watch((n, number) => ({ kind: 'trace', n, watch: number, id, isFirst }), {
      hear: ({ trace: event }) => event && this.#traced(trace, event),
    })
    trace.number = number
    if (trace.isOver) node.unwatch(number)
    // From now on it outlives the thread.
    else this.#traces.add(trace)
  }

  #traced(trace: RemoteTrace, event: TraceEvent): void {
    if (trace.isOver) return
    if (event.event === 'end') this.#endTrace(trace)
    trace.listener(event)
  }

  #endTrace(trace: RemoteTrace): void {
    trace.isOver = true
    this.#traces.delete(trace)
  }

  /** Asks where the server is, or, if that has ended, wherever it may have been. */
  async anywhere<T>(id: string, ask: (node: ThreadNode) => Promise<T>): Promise<T> {
    const place = this.places.find(id)
    if (place !== undefined) return ask(place.node)
    let missing: unknown
    try {
      this.places.get(id)
    } catch (error) {
      missing = error
    }
    for (const node of this.nodes()) {
      try {
        return await ask(node)
      } catch (error) {
        if (!(error instanceof GenServerError)) throw error
      }
    }
    throw missing
  }

  /** The node of these servers was lost, and they begin again. */
  moved(node: ThreadNode, at: string): void {
    for (const watch of [...this.#open]) {
      if (watch.node !== node) continue
      const place = this.places.find(watch.id)
      if (place === undefined) watch.tell('exit', { reason: 'killed', at })
      else void this.#goOn(watch, place, at)
    }
    for (const trace of [...this.#traces]) if (trace.node === node) void this.#lookOn(trace, at)
  }

  async #lookOn(trace: RemoteTrace, at: string): Promise<void> {
    const attempt = ++trace.attempt
    try {
      trace.node = this.places.get(trace.id).node
      await this.#look(trace, false)
    } catch {
      if (trace.attempt === attempt) this.#traced(trace, { event: 'end', at, reason: 'killed' })
    }
  }

  async #goOn(watch: RemoteWatch, place: Place, at: string): Promise<void> {
    const attempt = ++watch.attempt
    try {
      // What it has published last may be lost with the thread: whoever goes on from there hears of a gap.
      await this.#follow(watch, place.node, watch.position)
      // Otherwise the server will tell itself.
      if (!place.isAway) watch.tell('restart', { incarnation: place.incarnation, reason: 'killed', at })
    } catch {
      // The node may have been lost again, and then it is asked for again too.
      if (watch.attempt === attempt) watch.tell('exit', { reason: 'killed', at })
    }
  }
}
