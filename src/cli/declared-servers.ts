/**
 * The servers of a file, which are started before the gateway listens: mostly supervisors, whose children are in their args.
 *
 *     { "servers": [{ "implementation": "supervisor", "id": "tree", "args": { "children": [...] } }] }
 *
 * 1. They are started in their order, each after the one before. If one cannot be started the gateway does not start.
 */
import { readFile } from 'node:fs/promises'
import { type Static, Type } from '@sinclair/typebox'
import { Ajv } from 'ajv'
import { serverId, startLabels, startOptions } from '../http/server-schemas.js'
import { GenServerError, type Host, type ServerInfo, StartIgnored } from '../index.js'
import { LoadError } from '../loading/load-error.js'

const closed = { additionalProperties: false }
const DeclaredServers = Type.Object(
  {
    servers: Type.Array(
      Type.Object(
        {
          implementation: Type.String(),
          args: Type.Optional(Type.Unknown()),
          id: serverId(),
          labels: startLabels(),
          ...startOptions,
        },
        closed,
      ),
    ),
  },
  closed,
)

/** @throws {LoadError} that names the file, the place in it, and what is wrong. */
export async function startDeclaredServers(host: Host, file: string): Promise<void> {
  const declared = await read(file)
  const check = new Ajv({ strict: false }).compile<Static<typeof DeclaredServers>>(DeclaredServers)
  if (!check(declared)) {
    const { instancePath = '', message, params } = check.errors?.[0] ?? {}
    const key = params?.['additionalProperty'] === undefined ? '' : ` (${params['additionalProperty']})`
    throw new LoadError(file, `${instancePath || '/'} ${message}${key}`)
  }
  for (const [index, { implementation, args, ...options }] of declared.servers.entries()) {
    try {
      await host.start(implementation, args, options)
    } catch (error) {
      if (isBack(host, error)) continue
      throw new LoadError(file, `/servers/${index}: ${options.id} was not started: ${explain(error)}`, { cause: error })
    }
  }
}

/** A durable one that was started when the gateway ran for the first time. */
function isBack(host: Host, error: unknown): boolean {
  if (!(error instanceof GenServerError) || error.code !== 'already_started') return false
  const { implementation } = (error.details.server ?? {}) as Partial<ServerInfo>
  return host.implementations.get(implementation ?? '')?.durable === true
}

async function read(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new LoadError(file, isMissing ? 'there is no such file' : (error as Error).message, { cause: error })
  }
}

function explain(error: unknown): string {
  if (error instanceof StartIgnored) return 'its init chose to be ignored'
  if (!(error instanceof GenServerError)) throw error
  const places = (error.details.errors ?? []).map(({ path, message }) => `/args${path}: ${message}`)
  return [error.message, ...places].join('; ')
}
