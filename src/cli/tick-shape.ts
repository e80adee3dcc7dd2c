/**
 * Keeps `process.nextTick` fast. V8 forgets the shape of Node's tick objects when a garbage collection finds none alive,
 * as happens during start, and from then on makes each one in its slow way: a twentieth of what a request costs. One tick
 * object that stays alive keeps the shape. Imported before anything else.
 */
import { executionAsyncResource } from 'node:async_hooks'

/** Held here for as long as the process lives. */
export const tick: object = await new Promise((resolve) => process.nextTick(() => resolve(executionAsyncResource())))
