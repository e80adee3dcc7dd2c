/** The end of a runtime: what is queued is finished, then every server stops, the youngest first. */

import { StopOrder } from '../kernel/envelope.js'
import type { Node } from '../kernel/node.js'
import type { Registry } from '../kernel/registry.js'
import type { Server } from './server.js'

/** Resolves when no server is left, at the latest after `timeout` milliseconds. */
export async function shutDown(registry: Registry<Server>, node: Node, timeout: number): Promise<void> {
  const limit = alarm(node, timeout)
  // Servers may give each other work while they finish theirs: look again until all are idle at once.
  for (let busy = notIdle(registry); busy.length > 0 && !limit.over; busy = notIdle(registry)) {
    await Promise.race([Promise.all(busy.map((server) => server.whenIdle())), limit.rings])
  }
  const youngestFirst = [...registry.after()].sort((a, b) => b.number - a.number)
  const stopped = Promise.all(youngestFirst.map((server) => stop(server, node)))
  await Promise.race([stopped, limit.rings])
  limit.cancel()
  for (const server of [...registry.after()]) server.kill()
  node.deadlines.close()
}

function notIdle(registry: Registry<Server>): Server[] {
  return [...registry.after()].filter((server) => !server.idle)
}

/** An ordered stop within the server's own shutdown time (OTP: `shutdown` of a child spec). */
function stop(server: Server, node: Node): Promise<void> {
  return new Promise((resolve) => {
    const patience =
      server.terms.shutdown === Number.POSITIVE_INFINITY
        ? undefined
        : node.clock.setTimer(server.terms.shutdown, () => server.kill())
    const done = () => {
      patience?.cancel()
      resolve()
    }
    node.transport.deliver(server, new StopOrder('shutdown', undefined, done))
  })
}

function alarm(node: Node, ms: number) {
  const state = { over: false, rings: Promise.resolve(), cancel: () => {} }
  state.rings = new Promise<void>((resolve) => {
    const timer = node.clock.setTimer(ms, () => {
      state.over = true
      resolve()
    })
    state.cancel = () => timer.cancel()
  })
  return state
}
