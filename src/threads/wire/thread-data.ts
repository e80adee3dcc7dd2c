/** What a thread is started with, and what it begins with. */
import type { MessagePort } from 'node:worker_threads'
import type { RuntimeOptions } from '../../index.js'

export type Bounds = Required<
  Pick<
    RuntimeOptions,
    | 'maxRestarts'
    | 'maxSeconds'
    | 'maxQueued'
    | 'maxQueuedBytes'
    | 'maxStateBytes'
    | 'maxAttempts'
    | 'rememberExits'
    | 'idle'
  >
>

export interface ThreadData {
  readonly directories: readonly string[]
  readonly memory: SharedArrayBuffer
  /** By which the gateway's thread is spoken with. */
  readonly port: MessagePort
  /** Milliseconds between two signs of life. */
  readonly beat: number
  readonly bounds: Bounds
  /** Something has been kept before, and is to be brought back. */
  readonly hasStore: boolean
}

/** The first that is said to a thread. It says `ready`, and from then on messages come. */
export interface Begin {
  readonly node: string
}

/** The thread has implementations whose servers are kept. It is given a port by which it reaches the store. */
export interface NeedsStore {
  readonly kind: 'needsStore'
}

/** Nothing is kept any more. */
export interface StoreHasFailed {
  readonly kind: 'storeHasFailed'
  readonly message: string
}

/** The answer to `needsStore`. */
export interface GivenStore {
  readonly store: MessagePort
}
