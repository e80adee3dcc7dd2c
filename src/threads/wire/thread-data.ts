/** What a thread is started with. */
import type { RuntimeOptions } from '../../index.js'

export type Bounds = Required<
  Pick<RuntimeOptions, 'maxRestarts' | 'maxSeconds' | 'maxQueued' | 'maxQueuedBytes' | 'rememberExits'>
>

export interface ThreadData {
  readonly node: string
  readonly directories: readonly string[]
  readonly memory: SharedArrayBuffer
  /** Milliseconds between two signs of life. */
  readonly beat: number
  readonly bounds: Bounds
}
