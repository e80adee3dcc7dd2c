/**
 * The end of a runtime: what is queued is finished, durable servers leave it, for they do not end with it, and then every other one that
 * stands alone is ordered to stop, the youngest first. Their `terminate`s overlap. Supervisors end their children themselves, in the order that they have to keep.
 */

import { DurableServer } from '../durable/durable-server.js'
import { Sleeper } from '../durable/sleeper.js'
import type { Node } from '../kernel/node.js'
import { orderToStop } from '../server/ordered-stop.js'
import type { Server } from '../server/server.js'
import type { Directory } from './directory.js'
import type { LocalFamily } from './local-family.js'
import { shuttingDown } from './shutting-down.js'

/**
 * Resolves when no server is left. Work that goes on after `timeout` milliseconds is cut off, so that it cannot keep
 * the other servers from their `terminate`.
 */
export async function shutDown(directory: Directory, node: Node, family: LocalFamily, timeout: number): Promise<void> {
  const limit = alarm(node, timeout)
  // Nobody will resume them later, and what they have is finished like everything else.
  for (const server of directory.awake()) server.resume()
  // Servers may give each other work while they finish theirs: look again until all are idle at once.
  for (let busy = notIdle(directory); busy.length > 0 && !limit.over; busy = notIdle(directory)) {
    await Promise.race([Promise.all(busy.map((server) => server.whenIdle())), limit.rings])
  }
  limit.cancel()
  family.close()
  await node.commits?.settled()
  // What they have left is done in the next process.
  for (const each of [...directory.registry.after()]) {
    if (each instanceof DurableServer) each.unload(shuttingDown())
    else if (each instanceof Sleeper) directory.forget(each)
  }
  for (const server of notIdle(directory)) killLate(server, `it has work left after ${timeout} ms`)
  const alone = [...directory.awake()].filter(({ keeper }) => keeper.supervisor === undefined)
  const youngestFirst = alone.sort((a, b) => b.number - a.number)
  await Promise.all(youngestFirst.map((server) => stop(server, Math.min(server.terms.shutdown, timeout))))
  for (const server of [...directory.awake()]) server.kill()
  node.deadlines.close()
}

function notIdle(directory: Directory): Server[] {
  return [...directory.awake()].filter((server) => !server.idle)
}

function stop(server: Server, patience: number): Promise<void> {
  server.endIfAway('shutdown')
  const tooLate = () => killLate(server, `it has not terminated within ${patience} ms`)
  return orderToStop(server, { reason: 'shutdown', patience, tooLate })
}

function killLate(server: Server, why: string): void {
  const { id, current, mailbox, node } = server
  node.logger.warn({ server: id, current: current?.message, mailbox: mailbox.length }, `${id} is killed: ${why}`)
  server.kill()
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
