/**
 * The ordered end of the process, on SIGTERM or SIGINT.
 *
 * 1. Readiness fails from the signal on, so that load balancers turn away; work is still taken for `drainDelay`, since
 *    they need a moment to notice. Each answer says that it is the last of its connection: a client that sends while that is
 *    closed would hear nothing.
 * 2. Then new work is refused, and queued work finishes within `drainTimeout`; then the servers terminate.
 * 3. Then the connections close, and the process exits with 0.
 * 4. A second signal ends it at once, with 1.
 * 5. When nothing can be kept any more it goes the same way, and exits with 1: the next process begins with what is kept.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Host, Logger } from '../index.js'
import type { Settings } from './settings.js'

/**
 * Ctrl-C reaches the program twice when npm started it: from the terminal, and passed on by npm. What comes this soon
 * after the first (in milliseconds) is the same order.
 */
const SAME_ORDER = 250

export interface Running {
  /** The main one, and that of the operators' routes if they have a port of their own. */
  readonly gateways: readonly FastifyInstance[]
  readonly host: Host
  /** When the host is closed. */
  readonly closeStore: () => Promise<void>
  readonly logger: Logger
  readonly settings: Pick<Settings, 'drainDelay' | 'drainTimeout'>
  /** From now on readiness fails. */
  readonly failReadiness: () => void
  /** From now on no implementation is reloaded because its file has changed. */
  readonly stopWatching: () => Promise<void>
}

/**
 * `running` gives nothing while the start is still under way: then there is nothing to wait for. Returns how to go the same way for
 * another reason.
 */
export function shutDownOnSignal(running: () => Running | undefined): (why: object) => void {
  let since: number | undefined
  const begin = (parts: Running, why: object, code = 0) => {
    since = performance.now()
    void shutDown(parts, why).then((failed) => process.exit(failed || code))
  }
  const onSignal = (signal: NodeJS.Signals) => {
    const parts = running()
    if (parts === undefined) process.exit(0)
    if (since === undefined) begin(parts, { signal })
    else if (performance.now() - since > SAME_ORDER) {
      parts.logger.error({ signal }, 'second signal: exit at once') // 4
      process.exit(1)
    }
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  return (why) => {
    const parts = running()
    if (parts === undefined) process.exit(1)
    if (since === undefined) begin(parts, why, 1) // 5
  }
}

async function shutDown(running: Running, why: object): Promise<number> {
  const { gateways, host, closeStore, logger, settings, failReadiness, stopWatching } = running
  logger.info(why, 'shutting down')
  try {
    failReadiness() // 1
    for (const { server } of gateways) server.prependListener('request', takeLeave)
    await stopWatching()
    await sleep(settings.drainDelay)
    logger.info({}, 'draining')
    await host.close({ timeout: settings.drainTimeout }) // 2
    await closeStore()
    for (const gateway of gateways) await gateway.close() // 3
    logger.info({}, 'shut down')
    return 0
  } catch (err) {
    logger.error({ err }, 'shutting down failed')
    return 1
  }
}

function takeLeave(_request: IncomingMessage, response: ServerResponse): void {
  response.shouldKeepAlive = false
}
