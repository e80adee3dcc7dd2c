/** A backup of all that is kept, for those who run the gateway. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { type MakeBackup, SQLITE } from '../src/http/backup.js'
import type { HangUps } from '../src/http/hang-ups.js'
import { NoQuery } from '../src/http/parameters.js'
import { problemResponses } from '../src/http/problem-schema.js'
import { GenServerError, type Host } from '../src/index.js'

export interface BackupRoutesOptions {
  readonly host: Host
  readonly hangUps: HangUps
  readonly backup: MakeBackup
  /** Milliseconds after which whoever has stopped to read is cut off: others wait for the room that the copy takes. */
  readonly patience?: number
}

export const backupRoutes: FastifyPluginAsyncTypebox<BackupRoutesOptions> = async (
  app,
  { host, hangUps, backup, patience = 60_000 },
) => {
  app.route({
    method: 'GET',
    url: '/backup',
    exposeHeadRoute: false,
    schema: {
      operationId: 'backUp',
      tags: ['operators'],
      summary: 'Back up all durable servers',
      description:
        'What is kept of all durable servers at one moment, as an SQLite file: a gateway that finds it as `genservers.db` ' +
        'in its data directory goes on with it. It shows whole states, also what implementations redact. One at a time.',
      querystring: NoQuery,
      response: {
        200: {
          description: 'The file.',
          content: { [SQLITE]: { schema: Type.String({ contentMediaType: SQLITE }) } },
          headers: {
            'Content-Disposition': { type: 'string', description: 'The name that it is to have.' },
            'Content-Length': { type: 'integer', description: 'An answer that ends before is none.' },
          },
        },
        ...problemResponses('unknown_route', 'storage_failed'),
      },
    },
    handler: async ({ raw: { socket } }, reply) => {
      if (host.draining) throw new GenServerError('draining', 'the gateway is shutting down')
      const { size, content } = await backup()
      reply.raw.setTimeout(patience, () => content.destroy())
      // The response is never closed where it stands behind another one.
      const reader = { abandon: () => content.destroy() }
      content.once('close', () => hangUps.forget(socket, reader))
      hangUps.watch(socket, reader)
      return reply
        .type(SQLITE)
        .headers({
          'content-length': size,
          'content-disposition': 'attachment; filename="genservers.db"',
          'cache-control': 'no-store',
        })
        .send(content as never)
    },
  })
}
