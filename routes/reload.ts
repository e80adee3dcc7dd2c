/** Hot code change (OTP: the release handler), where there are files to load from. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { HangUps } from '../src/http/hang-ups.js'
import { mustBeEmpty } from '../src/http/no-body.js'
import { ImplementationPath } from '../src/http/parameters.js'
import { bodyProblems, problemResponses } from '../src/http/problem-schema.js'
import { CodeChange, type Reload, ReloadQuery } from '../src/http/reload.js'
import { reloadProblems } from '../src/http/route-problems.js'
import { Ref } from '../src/http/schema-ref.js'

export const reloadRoutes: FastifyPluginAsyncTypebox<{ reload: Reload; hangUps: HangUps }> = async (
  app,
  { reload, hangUps },
) => {
  app.route({
    method: 'POST',
    url: '/implementations/:name/reload',
    schema: {
      operationId: 'reloadImplementation',
      tags: ['operators'],
      summary: 'Reload an implementation',
      description:
        'Loads its file again. All its servers are suspended, each when it has finished its message; their states become ' +
        'those of the new version by its `codeChange`; and they go on with what waits. All of them, or none: `failed` of ' +
        'the problem tells which could not. The routes and the document follow.',
      params: ImplementationPath,
      querystring: ReloadQuery,
      response: {
        200: Ref(CodeChange, { description: 'It is done, or would be.' }),
        ...problemResponses(...reloadProblems, ...bodyProblems),
      },
    },
    handler: async ({ params, query, body, raw }) => {
      mustBeEmpty(body)
      const { dryRun = false, timeout } = query
      const changed = await hangUps.attend(raw.socket, (signal) => reload(params.name, { dryRun, timeout, signal }))
      return { ...changed, dryRun }
    },
  })
}
