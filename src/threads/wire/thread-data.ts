/** What a thread is started with, and what it begins with. */
import type { RuntimeOptions } from '../../index.js'

export type Bounds = Required<
  Pick<RuntimeOptions, 'maxRestarts' | 'maxSeconds' | 'maxQueued' | 'maxQueuedBytes' | 'rememberExits'>
>

export interface ThreadData {
  readonly directories: readonly string[]
  readonly memory: SharedArrayBuffer
  /** Milliseconds between two signs of life. */
  readonly beat: number
  readonly bounds: Bounds
}

/** The first that is said to a thread. It says `ready`, and from then on messages come. */
export interface Begin {
  readonly node: string
}
