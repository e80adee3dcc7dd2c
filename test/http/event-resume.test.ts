/**
 * Whatever a server tells, and however often a client goes and comes back: it hears each event once and in order, and
 * where it misses some a gap says how many. The model is a list of what was told, written by one that never goes.
 */
import fc from 'fast-check'
import t from 'tap'
import type { EventReader, Heard } from './event-reader.js'
import { listenToRadio } from './listening-gateway.js'
import { until } from './open-gateway.js'

type Step =
  | { readonly do: 'publish'; readonly times: number }
  /** The connection breaks, maybe with events on the way. */
  | { readonly do: 'leave' }
  | { readonly do: 'return' }
  /** The client hears all that it was sent. */
  | { readonly do: 'settle' }
  | { readonly do: 'crash' }
  | { readonly do: 'kill' }
  /** Another server takes the id. */
  | { readonly do: 'start' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('publish' as const), times: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('leave' as const, 'return' as const, 'return') }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('settle' as const, 'start' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('crash' as const, 'kill' as const) }) },
)

/** How many events a feed keeps. */
const KEPT = 6

/** The server has ended, and the client has heard so: it begins as one that was never there. */
const ANEW: Heard = { event: 'anew', data: null, id: '' }

/** A client, over all its connections. */
class Client {
  readonly heard: Heard[] = []
  #lastEventId = ''
  #reader: EventReader | undefined = undefined

  constructor(private readonly read: (headers: object) => Promise<EventReader>) {}

  get lastEventId(): string {
    return this.#reader?.lastEventId || this.#lastEventId
  }

  async come(): Promise<void> {
    if (this.#reader !== undefined && !this.#reader.over) return
    await this.go()
    const reader = await this.read(this.#lastEventId === '' ? {} : { 'last-event-id': this.#lastEventId })
    if (reader.status === 200) this.#reader = reader
    else {
      this.#lastEventId = ''
      this.heard.push(ANEW)
    }
  }

  async go(): Promise<void> {
    await this.#reader?.leave()
    this.heard.push(...(this.#reader?.heard ?? []))
    this.#lastEventId = this.lastEventId
    this.#reader = undefined
  }

  /** Waits for the event at `position`, or for the end. */
  async settle(position: string): Promise<void> {
    await until(() => this.#reader === undefined || this.#reader.over || this.lastEventId === position)
  }
}

interface Told {
  readonly life: number
  readonly number: number
  readonly text: string
}

/** What was told, by position. */
class Model {
  readonly told = new Map<string, Told>()
  last = ''
  #life = 0

  /** A server begins to tell. */
  follow(watch: (tell: (event: { event: string; json: string; position: string }) => void) => string): void {
    const life = ++this.#life
    let number = 0
    this.last = watch(({ event, json, position }) => {
      this.told.set(position, { life, number: ++number, text: `${event} ${json}` })
      this.last = position
    })
  }

  /** What is wrong with what a client has heard. */
  fault(heard: readonly Heard[]): string | undefined {
    let last: { life: number; number: number } | undefined
    /** So many events may be missing before the next one; `undefined`: nobody knows how many. */
    let missing: number | undefined
    for (const { event, data, id } of heard) {
      // One of which nobody knows how long it is, and then another one, are together one such.
      if (event === 'gap' && missing !== undefined) missing = data.missed ?? undefined
      if (event === 'anew') [last, missing] = [undefined, undefined]
      if (event === 'gap' || event === 'anew') continue
      const told = this.told.get(id)
      if (told === undefined) return `${id} was never told`
      if (told.text !== `${event} ${JSON.stringify(data)}`) return `${id} was ${told.text}`
      const isLater =
        last === undefined || told.life > last.life || (told.life === last.life && told.number > last.number)
      if (!isLater) return `${id} was told before`
      const isNext = missing === undefined || (told.life === last?.life && told.number === last.number + missing + 1)
      if (last !== undefined && !isNext) return `before ${id} not ${missing} are missing`
      if (last !== undefined && missing === undefined && told.life === last.life) return `${id}: a gap that is none`
      ;[last, missing] = [told, 0]
    }
    return undefined
  }
}

t.test('no event is lost or told twice, whoever goes and comes back', async (t) => {
  let gaps = 0
  let events = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const { read, runtime, clock, close } = await listenToRadio(t, { events: KEPT })
      const client = new Client((headers) => read('/servers/r/events', headers))
      const model = new Model()
      const follow = () => model.follow((tell) => runtime.watch('r', tell).position)
      const isThere = () => runtime.whereis('r') !== undefined
      follow()
      await client.come()
      let n = 0
      for (const each of steps) {
        if (each.do === 'publish' && isThere()) {
          for (let i = 0; i < each.times; i++) runtime.cast('r', 'tell', { n: ++n })
        } else if (each.do === 'crash' && isThere()) runtime.cast('r', 'crash')
        else if (each.do === 'kill' && isThere()) runtime.kill('r')
        else if (each.do === 'start' && !isThere()) {
          await runtime.start('radio', {}, { id: 'r' })
          follow()
        } else if (each.do === 'leave') await client.go()
        else if (each.do === 'return') await client.come()
        else if (each.do === 'settle') await client.settle(model.last)
        // Enough time for a restart: too many at once, and the server ends.
        if (each.do !== 'leave' && each.do !== 'return') await clock.advance(each.do === 'crash' ? 1000 : 0)
      }
      await client.come()
      await client.settle(model.last)
      const isUpToDate = !isThere() || client.lastEventId === model.last
      await client.go()
      await close()
      gaps += client.heard.filter(({ event }) => event === 'gap').length
      events += client.heard.length
      const fault = isUpToDate ? model.fault(client.heard) : `the client has not heard of ${model.last}`
      if (fault !== undefined) throw new Error(`${fault}\n${JSON.stringify(client.heard)}`)
    }),
    { numRuns: 80 },
  )
  t.ok(gaps > 5 && events > 500, `${events} events and ${gaps} gaps were heard`)
})
