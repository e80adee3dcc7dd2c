/**
 * The servers of a file, which are started before the gateway listens: mostly supervisors, whose children are in their args.
 *
 *     { "servers": [{ "implementation": "supervisor", "id": "tree", "args": { "children": [...] } }] }
 *
 * 1. They are started in their order, each after the one before. If one cannot be started the gateway does not start.
 * 2. What the file says of a supervisor that stands alone holds, and not what was kept of it.
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

export type Declared = Static<typeof DeclaredServers>['servers'][number]

/** @throws {LoadError} that names the file, the place in it, and what is wrong. */
export async function readDeclaredServers(file: string): Promise<Declared[]> {
  const declared = await read(file)
  const check = new Ajv({ strict: false }).compile<Static<typeof DeclaredServers>>(DeclaredServers)
  if (!check(declared)) {
    const { instancePath = '', message, params } = check.errors?.[0] ?? {}
    const key = params?.['additionalProperty'] === undefined ? '' : ` (${params['additionalProperty']})`
    throw new LoadError(file, `${instancePath || '/'} ${message}${key}`)
  }
  return declared.servers
}

/** @throws {LoadError} that names the place in the file, and why the server was not started. */
export async function startDeclaredServers(host: Host, declared: readonly Declared[], file: string): Promise<void> {
  for (const [index, { implementation, args, ...options }] of declared.entries()) {
    try {
      await host.start(implementation, args, options)
    } catch (error) {
      if (isBack(host, error, options.supervisor)) continue
      throw new LoadError(file, `/servers/${index}: ${options.id} was not started: ${explain(error)}`, { cause: error })
    }
  }
}

/** A durable one that was started when the gateway ran for the first time, or a child that is back with its supervisor. */
function isBack(host: Host, error: unknown, supervisor: string | undefined): boolean {
  if (!(error instanceof GenServerError) || error.code !== 'already_started') return false
  const holder = (error.details.server ?? {}) as Partial<ServerInfo>
  if (host.implementations.get(holder.implementation ?? '')?.durable === true) return true
  return supervisor !== undefined && holder.supervisor === supervisor
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
