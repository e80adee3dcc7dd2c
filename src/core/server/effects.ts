/**
 * Effects: what a handler says beside its reply. They are data and wait in the turn; they leave together, in order, when
 * the turn has succeeded (see `gate.ts`), or not at all.
 */

import type { Protocol } from '../definition/protocol.js'
import type { Call } from '../kernel/call.js'
import type { Cast, Envelope, Info } from '../kernel/envelope.js'
import type { GenServerError } from '../kernel/errors.js'
import type { Json } from '../kernel/json.js'
import type { Mailbox } from '../kernel/mailbox.js'
import type { Reason } from '../kernel/reason.js'
import type { Destination } from '../kernel/transport.js'

/** Someone who can be sent a message. */
export interface Addressee extends Destination {
  readonly id: string
  readonly protocol: Protocol
  readonly mailbox: Mailbox
  /** It is here, and does not take what was checked for its code of before. */
  refuse?(envelope: Envelope, refusal: GenServerError): void
}

export type Effect =
  /** The receiver's mailbox has a place reserved for it, and it was checked for the code of the receiver. */
  | { readonly kind: 'send'; readonly to: Addressee; readonly envelope: Cast | Info; readonly checkedFor: Protocol }
  | { readonly kind: 'reply'; readonly call: Call; readonly reply: Json }
  | { readonly kind: 'continue'; readonly name: string; readonly args: unknown }
  | { readonly kind: 'timer'; readonly ref: string; readonly ms: number; readonly message: string; readonly args: Json }
  | { readonly kind: 'cancelTimer'; readonly ref: string }
  | { readonly kind: 'idleTimeout'; readonly ms: number }
  | { readonly kind: 'link' | 'unlink'; readonly id: string }
  | { readonly kind: 'monitor'; readonly ref: string; readonly id: string }
  | { readonly kind: 'demonitor'; readonly ref: string }
  | { readonly kind: 'trapExit'; readonly on: boolean }
  | { readonly kind: 'exit'; readonly id: string; readonly reason: Reason }
  | { readonly kind: 'publish'; readonly event: string; readonly data: Json }
  | { readonly kind: 'pipe'; readonly promise: Promise<unknown>; readonly message: string }

/** The turn has failed: nothing leaves, and the reserved places are free again. */
export function discard(effects: readonly Effect[]): void {
  for (const effect of effects) if (effect.kind === 'send') effect.to.mailbox.release()
}
