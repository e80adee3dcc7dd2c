/** A store whose commits are held back, or fail, when a test says so. */
import type { Change } from '../../../src/adapters.js'
import { MemoryStore } from '../../../src/stores/memory-store.js'
import { latch } from '../running.js'

export function heldStore() {
  let isHolding = false
  let failure: Error | undefined
  const held: (readonly Change[])[] = []
  const all: Change[] = []
  const waiting: ReturnType<typeof latch<void>>[] = []
  const store = new MemoryStore((changes) => {
    if (failure !== undefined) return Promise.reject(failure)
    all.push(...changes)
    if (!isHolding) return undefined
    held.push(changes)
    const wait = latch()
    waiting.push(wait)
    return wait.promise
  })
  return {
    store,
    commits: {
      /** What has not been let through. */
      held,
      /** What came to the store, in order. */
      all,
      /** From now on. */
      hold() {
        isHolding = true
      },
      /** What is held is kept, and what comes later too. */
      release() {
        isHolding = false
        for (const wait of waiting.splice(0)) wait.open()
        held.length = 0
      },
      /** What is held is kept, and the next one is held. */
      letOne() {
        waiting.shift()?.open()
        held.shift()
      },
      /** What is held is not kept, nor what comes later, until the failure is over. */
      fail(error: Error) {
        failure = error
        for (const wait of waiting.splice(0)) wait.fail(error)
        held.length = 0
      },
      recover() {
        failure = undefined
        isHolding = false
      },
    },
  }
}
