/** From a start to its answer, the same for the route that names the implementation and for the typed ones. */
import type { FastifyReply } from 'fastify'
import { type ServerInfo, StartIgnored } from '../index.js'

/**
 * Answers 201 with the server and where it is, 200 when it was there before (`found`), or 200 and the word when its
 * implementation chose not to start.
 */
export async function startServer(
  reply: Pick<FastifyReply, 'code' | 'header'>,
  start: () => Promise<ServerInfo>,
  found: () => boolean = () => false,
): Promise<never> {
  try {
    const info = await start()
    if (!found()) reply.code(201).header('location', `/servers/${info.id}`)
    return info as never
  } catch (error) {
    if (error instanceof StartIgnored) return { status: 'ignored' } as never
    throw error
  }
}
