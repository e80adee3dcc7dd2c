/**
 * A feed: what happens to one server, or to all of a runtime, as numbered events; its recent past, and who watches.
 *
 * 1. A watcher gets each event after the one that it names, once and in order. What the feed has forgotten by then is told
 *    as one `gap`, in its place.
 * 2. What is kept is bounded, in number and in bytes. The latest event is kept in any case, so that who watches all the
 *    time misses nothing.
 * 3. A position, `<epoch>.<number>`, is given once and means nothing to any other feed: each has an epoch of its own.
 * 4. A listener that fails harms nobody, and one that causes further events hears them after the present one.
 */

import type { FeedEvent, StateView } from '../definition/info.js'
import type { Json } from '../kernel/json.js'
import { type Logger, logError } from '../kernel/logger.js'
import { stateView, type Viewed } from './state-view.js'

/** How much of its past a feed keeps. */
export interface FeedLimits {
  readonly events: number
  /** Of the events' data, as JSON in UTF-8. */
  readonly bytes: number
}

export interface WatchOptions {
  /** The position of the event after which to begin. Without it: from now on. */
  readonly after?: string | undefined
  /** Also hears the state, as operators may see it: as it is now, and after each revision. Slow where the state is large. */
  readonly onState?: ((view: StateView) => void) | undefined
}

/** Somebody watches. It is over by itself when the server has ended. */
export interface Watch {
  /** Of the last event that was told: give it as `after` to go on from there. */
  readonly position: string
  close(): void
}

interface KeptEvent extends FeedEvent {
  readonly bytes: number
}

/** A watcher and how far it has come. */
interface Watcher {
  /** The number of the event that is told next. */
  next: number
  isTelling: boolean
  readonly listener: (event: FeedEvent) => void
  readonly onState: ((view: StateView) => void) | undefined
}

export class Feed {
  /** The latest events; their numbers end with `#last`. */
  readonly #kept: KeptEvent[] = []
  #last = 0
  #bytes = 0
  #isOver = false
  readonly #watchers = new Set<Watcher>()
  /** How many of them want the state. */
  #viewers = 0
  #seen: { readonly view: StateView; readonly lineage: number } | undefined = undefined

  constructor(
    private readonly epoch: string,
    private readonly limits: FeedLimits,
    private readonly logger: Logger,
  ) {}

  add(event: string, data: Json): void {
    const json = JSON.stringify(data)
    const bytes = Buffer.byteLength(json)
    this.#last++
    this.#kept.push({ position: this.#at(this.#last), event, data, json, bytes })
    this.#bytes += bytes
    while (this.#kept.length > 1 && (this.#kept.length > this.limits.events || this.#bytes > this.limits.bytes)) {
      this.#bytes -= (this.#kept.shift() as KeptEvent).bytes // 2
    }
    for (const watcher of this.#watchers) this.#tell(watcher)
  }

  /** The last event. */
  end(event: string, data: Json): void {
    this.#isOver = true
    this.add(event, data)
  }

  /** Nothing comes after this position any more. */
  endsAt(position: string): boolean {
    return this.#isOver && position === this.#at(this.#last)
  }

  /** `server` is whose state is looked at, while there is one. */
  watch(listener: (event: FeedEvent) => void, { after, onState }: WatchOptions, server?: Viewed): Watch {
    const watcher: Watcher = { next: this.#last + 1, isTelling: false, listener, onState }
    const watch = this.#add(watcher)
    if (after !== undefined) {
      const known = this.#numberOf(after)
      watcher.next = known === undefined ? this.#first : known + 1
      if (known === undefined) {
        watcher.isTelling = true // 4
        this.#call(watcher, this.#gap(null))
        watcher.isTelling = false
      }
      this.#tell(watcher)
    }
    // What is still in the store only is shown when it is here.
    if (server?.isStored === false && onState !== undefined && this.#watchers.has(watcher)) {
      this.#show(watcher, this.#look(server))
    }
    return watch
  }

  get isWatched(): boolean {
    return this.#watchers.size > 0
  }

  /** The state has a new revision. Nothing is done about it unless somebody wants to know. */
  changed(server: Viewed): void {
    if (this.#viewers === 0) return
    const view = this.#look(server)
    for (const watcher of this.#watchers) this.#show(watcher, view)
  }

  /** What it looks like has changed, though the revision has not. */
  forgetView(): void {
    this.#seen = undefined
  }

  #add(watcher: Watcher): Watch {
    this.#watchers.add(watcher)
    if (watcher.onState !== undefined) this.#viewers++
    const at = (number: number) => this.#at(number)
    return {
      get position() {
        return at(watcher.next - 1)
      },
      close: () => this.#leave(watcher),
    }
  }

  #leave(watcher: Watcher): void {
    if (this.#watchers.delete(watcher) && watcher.onState !== undefined) this.#viewers--
    if (this.#viewers === 0) this.#seen = undefined
  }

  #at(number: number): string {
    return `${this.epoch}.${number}`
  }

  get #first(): number {
    return this.#last - this.#kept.length + 1
  }

  /** `undefined`: it is no position of this feed. */
  #numberOf(position: string): number | undefined {
    const number = Number(position.slice(this.epoch.length + 1))
    return this.#at(number) === position && number >= 0 && number <= this.#last ? number : undefined
  }

  /** Tells what has not been told. */
  #tell(watcher: Watcher): void {
    if (watcher.isTelling) return // 4
    watcher.isTelling = true
    while (watcher.next <= this.#last && this.#watchers.has(watcher)) {
      const first = this.#first
      if (watcher.next < first) {
        const missed = first - watcher.next
        watcher.next = first
        this.#call(watcher, this.#gap(missed))
      } else this.#call(watcher, this.#kept[watcher.next++ - first] as FeedEvent)
    }
    watcher.isTelling = false
    if (this.#isOver) this.#leave(watcher)
  }

  /** Before the oldest event that is kept. `missed`: how many are not; `null` where nobody knows. */
  #gap(missed: number | null): FeedEvent {
    const data = { missed }
    return { position: this.#at(this.#first - 1), event: 'gap', data, json: JSON.stringify(data) }
  }

  #call(watcher: Watcher, event: FeedEvent): void {
    try {
      watcher.listener(event)
    } catch (error) {
      logError(this.logger, { err: error, position: event.position, event: event.event }, 'a watcher failed')
    }
  }

  /** Whoever looks at the same state gets the same view. */
  #look(server: Viewed): StateView {
    const { committedRevision: revision, incarnation, lineage } = server
    const seen = this.#seen
    const isSame = seen?.lineage === lineage && seen.view.revision === revision && seen.view.incarnation === incarnation
    if (isSame) return seen.view
    const view = stateView(server)
    this.#seen = { view, lineage }
    return view
  }

  #show(watcher: Watcher, view: StateView): void {
    try {
      watcher.onState?.(view)
    } catch (error) {
      logError(this.logger, { err: error, epoch: this.epoch }, 'a watcher of the state failed')
    }
  }
}
