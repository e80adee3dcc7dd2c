/**
 * Port: brings an envelope to the process it is for. Inside one node that is a hand-over; between threads and machines
 * an adapter carries it.
 */
import type { Envelope } from './envelope.js'

export interface Destination {
  /** Takes the envelope, for which a place is reserved if it is a bounded one. */
  put(envelope: Envelope): void
}

export interface Transport {
  deliver(to: Destination, envelope: Envelope): void
}

/** Everything is in this node. */
export const localTransport: Transport = {
  deliver: (to, envelope) => to.put(envelope),
}
