/**
 * The command `start`: wires settings, implementations, runtime and gateway, and listens. Nothing is listening before
 * everything is built. Where the gateway cannot be built or cannot listen, what stood before it is taken down again, in
 * the order of the shutdown.
 */
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { backupOnRequest } from './backing-up.js'
import { createHost } from './create-host.js'
import { readDeclaredServers, startDeclaredServers } from './declared-servers.js'
import { createLogger } from './logger.js'
import { reloadOnChange, reloadOnRequest } from './reloading.js'
import type { Settings } from './settings.js'
import { type Running, shutDownOnSignal } from './shut-down.js'
import { outliveStrayErrors } from './stray-errors.js'

export async function start(settings: Settings): Promise<void> {
  // First of all: as process 1 of a container a signal that nobody handles is lost.
  let running: Running | undefined
  const end = shutDownOnSignal(() => running)
  let ready = true
  const logger = await createLogger(settings, process.stdout.isTTY === true)
  const storeFailed = (err: Error) => {
    ready = false
    logger.error({ err }, 'the store has failed: nothing is kept any more')
    end({ err })
  }
  const file = settings.servers
  const declared = file === '' ? [] : await readDeclaredServers(file)
  const ids = declared.map(({ id }) => id)
  // What the gateway is made of is loaded while threads load the implementations.
  const [hosted, { createGateway, createOperatorsGateway }] = await Promise.all([
    createHost(settings, logger, storeFailed, ids),
    import('../gateway.js'),
  ])
  const { host, reload, implementations, store, closeStore } = hosted
  const { bodyLimit, requestTimeout, headersTimeout, keepAliveTimeout, maxConnections } = settings
  const { maxEventLoopDelay, idempotencyRetention } = settings
  const limits = {
    ...{ bodyLimit, requestTimeout, headersTimeout, keepAliveTimeout, maxConnections },
    ...{ maxEventLoopDelay, idempotencyRetention },
  }
  const forOperators = { reload: reloadOnRequest(reload), backup: backupOnRequest(store, logger) }
  const options = { logger, ready: () => ready, ...forOperators, ...limits }
  const { admin, adminPort, port } = settings
  const gateways: FastifyInstance[] = []
  let stopWatching = async () => {}
  try {
    await startDeclaredServers(host, declared, file)
    gateways.push(await createGateway(host, { ...options, operators: admin && adminPort === null }))
    if (adminPort !== null) gateways.push(await createOperatorsGateway(host, options))
    const [gateway, operators] = gateways as [FastifyInstance, FastifyInstance | undefined]
    if (settings.watch) stopWatching = await reloadOnChange(reload, implementations, logger)
    // First, so that no client has been let in where it cannot listen.
    const adminUrl = operators && (await listen(operators, settings.host, adminPort as number, 'admin-port'))
    const url = await listen(gateway, settings.host, port, 'port')
    logger.info({ url, ...(store() && { data: resolve(settings.data) }) }, `genservers listens on ${url}`)
    if (adminUrl !== undefined) logger.info({ adminUrl }, `operators' routes are on ${adminUrl}`)
  } catch (error) {
    await stopWatching()
    await host.close({ timeout: 0 })
    await closeStore()
    for (const gateway of gateways) await gateway.close()
    throw error
  }
  outliveStrayErrors(logger)
  const failReadiness = () => {
    ready = false
  }
  running = { gateways, host, closeStore, logger, settings, failReadiness, stopWatching }
}

/** Gives the URL. What keeps it from listening tells with which `flag` that can be mended. */
async function listen(gateway: FastifyInstance, host: string, port: number, flag: string): Promise<string> {
  try {
    await gateway.listen({ host, port })
  } catch (error) {
    throw Object.assign(error as Error, { flag })
  }
  const { address, family, port: taken } = gateway.server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`
}
