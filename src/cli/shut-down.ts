/**
 * The ordered end of the process, on SIGTERM or SIGINT.
 *
 * 1. Readiness fails from the signal on, so that load balancers turn away; work is still taken for `drainDelay`, since
 *    they need a moment to notice.
 * 2. Then new work is refused, and queued work finishes within `drainTimeout`; then the servers terminate.
 * 3. Then the connections close, and the process exits with 0.
 * 4. A second signal ends it at once, with 1.
 */
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
  readonly logger: Logger
  readonly settings: Pick<Settings, 'drainDelay' | 'drainTimeout'>
  /** From now on readiness fails. */
  readonly failReadiness: () => void
  /** From now on no implementation is reloaded because its file has changed. */
  readonly stopWatching: () => Promise<void>
}

/** `running` gives nothing while the start is still under way: then there is nothing to wait for. */
export function shutDownOnSignal(running: () => Running | undefined): void {
  let since: number | undefined
  const onSignal = (signal: NodeJS.Signals) => {
    const parts = running()
    if (parts === undefined) process.exit(0)
    if (since === undefined) {
      since = performance.now()
      void shutDown(parts, signal).then((code) => process.exit(code))
    } else if (performance.now() - since > SAME_ORDER) {
      parts.logger.error({ signal }, 'second signal: exit at once') // 4
      process.exit(1)
    }
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
}

async function shutDown(running: Running, signal: string): Promise<number> {
  const { gateways, host, logger, settings, failReadiness, stopWatching } = running
  logger.info({ signal }, 'shutting down')
  try {
    failReadiness() // 1
    await stopWatching()
    await sleep(settings.drainDelay)
    logger.info({}, 'draining')
    await host.close({ timeout: settings.drainTimeout }) // 2
    for (const gateway of gateways) await gateway.close() // 3
    logger.info({}, 'shut down')
    return 0
  } catch (err) {
    logger.error({ err }, 'shutting down failed')
    return 1
  }
}
