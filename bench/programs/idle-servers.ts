/**
 * What an idle server costs beyond its state: the heap, collected, before and after there are 100,000 of them; then the
 * same when each has been called once, for what a server makes when it is first used. Needs `--expose-gc`.
 */
import counter from '../../implementations/counter.js'
import { createRuntime } from '../../src/index.js'

export interface IdleServers {
  readonly servers: number
  /** Bytes of heap for each: the state alone, a fresh server, and one that has been called. */
  readonly state: number
  readonly fresh: number
  readonly called: number
}

const servers = Number(process.argv[2])

function heap(): number {
  for (let i = 0; i < 4; i++) globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

/** The ids are the client's, but a registry that keeps them keeps their bytes: they are made here, for each anew. */
const idOf = (n: number) => `server-${n}`

const runtime = createRuntime({ implementations: { counter } })
// What is compiled when it is first used is not to be counted.
for (let n = 0; n < 1000; n++) {
  await runtime.start('counter', {}, { id: `warm-${n}` })
  await runtime.call(`warm-${n}`, 'increment', {})
}

const beforeStates = heap()
const states = Array.from({ length: servers }, (_, count) => ({ count }))
const state = (heap() - beforeStates) / servers
states.length = 0

const empty = heap()
for (let n = 0; n < servers; n++) await runtime.start('counter', {}, { id: idOf(n) })
const fresh = (heap() - empty) / servers
for (let n = 0; n < servers; n++) await runtime.call(idOf(n), 'increment', {})
const called = (heap() - empty) / servers

process.send?.({ servers, state, fresh, called } satisfies IdleServers)
await runtime.close()
process.disconnect()
