/**
 * The command `start`: wires settings, implementations, runtime and gateway, and listens. Nothing is listening before
 * everything is loaded. Where the gateway cannot be built or cannot listen, what stood before it is taken down again, in
 * the order of the shutdown.
 */
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { createGateway } from '../gateway.js'
import { createRuntimeOf, loadImplementations } from '../loading/load-implementations.js'
import { startDeclaredServers } from './declared-servers.js'
import { createLogger } from './logger.js'
import type { Settings } from './settings.js'
import { type Running, shutDownOnSignal } from './shut-down.js'
import { outliveStrayErrors } from './stray-errors.js'

export async function start(settings: Settings): Promise<void> {
  // First of all: as process 1 of a container a signal that nobody handles is lost.
  let running: Running | undefined
  shutDownOnSignal(() => running)
  let ready = true
  const logger = await createLogger(settings, process.stdout.isTTY === true)
  const implementations = await loadImplementations(settings.implementations)
  const { maxRestarts, maxSeconds, rememberExits } = settings
  const runtime = createRuntimeOf(implementations, { logger, maxRestarts, maxSeconds, rememberExits })
  const { bodyLimit, requestTimeout, headersTimeout, keepAliveTimeout } = settings
  let gateway: FastifyInstance | undefined
  try {
    if (settings.servers !== '') await startDeclaredServers(runtime, settings.servers)
    gateway = await createGateway(runtime, {
      logger,
      ready: () => ready,
      ...{ bodyLimit, requestTimeout, headersTimeout, keepAliveTimeout },
    })
    const url = await listen(gateway, settings)
    logger.info({ url }, `genservers listens on ${url}`)
  } catch (error) {
    await runtime.close({ timeout: 0 })
    await gateway?.close()
    throw error
  }
  outliveStrayErrors(logger)
  const failReadiness = () => {
    ready = false
  }
  running = { gateway, runtime, logger, settings, failReadiness }
}

async function listen(gateway: FastifyInstance, { host, port }: Settings): Promise<string> {
  await gateway.listen({ host, port })
  const { address, family, port: taken } = gateway.server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`
}
