/** What threads and the gateway's thread tell each other of the lives of servers, and of where they are. */
import type { CrashRecord, Exit, Lived, ServerTerms } from '../../adapters.js'
import type { Json, Reason } from '../../index.js'

/** A server has its id: with what it takes to start it again elsewhere. */
export interface RegisteredMessage {
  readonly kind: 'registered'
  readonly id: string
  readonly implementation: string
  readonly args: Json
  readonly terms: ServerTerms
  readonly supervisor: string | undefined
  readonly incarnation: number
}

export interface BeganMessage {
  readonly kind: 'began'
  readonly id: string
  readonly incarnation: number
  readonly last: Reason | undefined
  readonly lived: Lived | undefined
}

export interface CrashedMessage {
  readonly kind: 'crashed'
  readonly id: string
  readonly record: CrashRecord
}

export interface SleptMessage {
  readonly kind: 'slept'
  readonly id: string
  readonly isAsleep: boolean
}

export interface UnregisteredMessage {
  readonly kind: 'unregistered'
  readonly id: string
  readonly exit: Exit | undefined
}

/** Servers that are on other nodes, with how many messages wait for each at most. */
export interface Named {
  readonly kind: 'named'
  readonly servers: readonly (readonly [id: string, implementation: string, mailbox: number])[]
}

/** Servers that have ended, on whatever node: an id that is started again goes on counting. */
export interface Ended {
  readonly kind: 'ended'
  readonly exits: readonly Exit[]
}

export interface Unnamed {
  readonly kind: 'unnamed'
  readonly id: string
  readonly exit: Exit | undefined
}
