/** The lives of all servers, wherever they are, as one feed; and what the gateway knows of the life of each. */
import { randomBytes } from 'node:crypto'
import { type Exit, Feed } from '../../adapters.js'
import type { Clock, FeedEvent, Json, Logger, Reason, Watch, WatchOptions } from '../../index.js'
import type { Place } from './place.js'

export class Lives {
  #feed: Feed | undefined = undefined

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  watch(listener: (event: FeedEvent) => void, { after }: Pick<WatchOptions, 'after'>): Watch {
    this.#feed ??= new Feed(`${randomBytes(6).toString('hex')}-0`, { events: 1000, bytes: 256 * 1024 }, this.logger)
    return this.#feed.watch(listener, { after })
  }

  began(place: Place, incarnation: number, last: Reason | undefined): void {
    const { id, implementation } = place
    const who = { id, implementation, incarnation }
    if (last === undefined) this.#feed?.add('start', { ...who, at: this.#now })
    else this.#feed?.add('restart', { ...who, reason: last as Json, at: this.#now })
  }

  /** One that never began has not started, as far as anybody was told. */
  ended({ id, implementation, hasBegun }: Place, exit: Exit | undefined): void {
    if (hasBegun && exit !== undefined) {
      this.#feed?.add('exit', { id, implementation, reason: exit.reason as Json, at: this.#now })
    }
  }

  get #now(): string {
    return new Date(this.clock.now()).toISOString()
  }
}
