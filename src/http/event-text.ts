/**
 * Events in the form of an event stream (WHATWG HTML, section 9.2). Each is written once, however many read it: readers
 * of a server are told the same event, and the same view of its state.
 */
import type { FeedEvent, StateView } from '../index.js'
import { patchText } from './json-patch.js'

/** Milliseconds that a client waits before it comes back. */
const RETRY = 2000

/** Keeps a connection alive that has nothing to say. */
export const HEARTBEAT = Buffer.from(': \n\n')

/** What a stream begins with. An id without data is no event, but sets where the client goes on if it has to come back. */
export function preamble(position: string | undefined): Buffer {
  return Buffer.from(`retry: ${RETRY}\n${position === undefined ? '' : `id: ${position}\n`}\n`)
}

/** An event without an id: nobody can go on after it. */
export function plainText(event: string, data: object): Buffer {
  return Buffer.from(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
}

/** Nobody knows how many events were missed. */
export const gapText = plainText('gap', { missed: null })

/** A state as it was shown: normal JSON, and its text. */
interface Shown {
  readonly state: unknown
  readonly stateText: string
  /** The members beside it, as JSON without the braces. */
  readonly beside: string
}

export class EventText {
  readonly #events = new WeakMap<FeedEvent, Buffer>()
  /** The one that was told last is told to all who watch, one after the other. */
  #last: { readonly event: FeedEvent; readonly text: Buffer } | undefined = undefined
  readonly #shown = new WeakMap<StateView, Shown>()
  readonly #states = new WeakMap<StateView, Buffer>()
  readonly #patches = new WeakMap<StateView, { readonly from: StateView; readonly text: Buffer }>()

  event(event: FeedEvent): Buffer {
    if (this.#last?.event !== event) this.#last = { event, text: this.#textOf(event) }
    return this.#last.text
  }

  #textOf(event: FeedEvent): Buffer {
    let text = this.#events.get(event)
    if (text === undefined) {
      text = Buffer.from(`id: ${event.position}\nevent: ${event.event}\ndata: ${event.json}\n\n`)
      this.#events.set(event, text)
    }
    return text
  }

  /** States and changes have no id: who comes back gets the state anew. */
  state(view: StateView): Buffer {
    let text = this.#states.get(view)
    if (text === undefined) {
      const { stateText, beside } = this.#show(view)
      text = Buffer.from(`event: state\ndata: {"state":${stateText},${beside}}\n\n`)
      this.#states.set(view, text)
    }
    return text
  }

  patch(from: StateView, to: StateView): Buffer {
    const known = this.#patches.get(to)
    if (known?.from === from) return known.text
    const { state, stateText, beside } = this.#show(to)
    const patch = patchText(this.#show(from).state, state, stateText)
    const text = Buffer.from(`event: patch\ndata: {"patch":${patch},${beside}}\n\n`)
    this.#patches.set(to, { from, text })
    return text
  }

  #show(view: StateView): Shown {
    let shown = this.#shown.get(view)
    if (shown === undefined) {
      const { state, ...beside } = view
      // `undefined`, which `redact` may return, has no text.
      const stateText = JSON.stringify(state) ?? 'null'
      // What is compared must be what the reader has.
      shown = { state: JSON.parse(stateText), stateText, beside: JSON.stringify(beside).slice(1, -1) }
      this.#shown.set(view, shown)
    }
    return shown
  }
}
