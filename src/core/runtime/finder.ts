/**
 * Finds durable servers by what is in their states. The store looks, in what it keeps, so that nobody is woken; how those are that it
 * has found is told by whoever has them.
 *
 * 1. The store indexes what the implementations say at the moment: it is told when the servers come back, and before it looks if that
 *    has changed since.
 */

import type { Awaitable, DefinitionData } from '../definition/definition.js'
import { describeType, indexesOf, isOfType } from '../definition/indexes.js'
import type { ServerInfo, ServerPage } from '../definition/info.js'
import { GenServerError, type InputError } from '../kernel/errors.js'
import { escapePointer } from '../kernel/json.js'
import type { Logger } from '../kernel/logger.js'
import type { Condition, Found, Search, Store } from '../kernel/store.js'
import { pageSize } from './directory.js'
import type { FindOptions, Where } from './keeping.js'

/** How these servers are, as far as they are still there; in whichever order. */
type InfosOf = (ids: readonly string[]) => Awaitable<readonly ServerInfo[]>

/** What the store was told. */
interface Told {
  readonly text: string
  readonly done: Promise<void>
}

export class Finder {
  #told: Told | undefined = undefined

  constructor(
    private readonly store: () => Store | undefined,
    private readonly implementations: () => ReadonlyMap<string, DefinitionData>,
  ) {}

  /** What cannot be indexed now, as the disk is full, is when somebody looks. */
  async begin(logger: Logger): Promise<void> {
    try {
      await this.#index()
    } catch (error) {
      logger.error({ err: error }, 'the states of durable servers could not be indexed')
    }
  }

  /** See `Keeping.find`. */
  async find(
    implementation: string,
    where: Where,
    { label, status, limit, after }: FindOptions,
    infosOf: InfosOf,
  ): Promise<ServerPage> {
    const definition = this.implementations().get(implementation)
    if (definition === undefined) return { servers: [] }
    const conditions = conditionsOf(implementation, definition, where)
    const { ids, next } = await this.#search({ implementation, where: conditions, after, limit: pageSize(limit) })
    const infos = new Map((await infosOf(ids)).map((info) => [info.id, info]))
    const servers = ids
      .flatMap((id) => infos.get(id) ?? [])
      .filter((info) => {
        const isOfThem = info.implementation === implementation && (label === undefined || info.labels.includes(label))
        return isOfThem && (status === undefined || info.status === status)
      })
    return { servers, ...(next !== undefined && { next }) }
  }

  async #search(search: Search): Promise<Found> {
    try {
      await this.#index()
      return await (this.store() as Store).find(search)
    } catch (error) {
      const why = `the servers of ${search.implementation} could not be looked for: ${(error as Error).message}`
      throw new GenServerError('storage_failed', why, { effect: 'none', retryAfter: 1 })
    }
  }

  async #index(): Promise<void> {
    const declared = new Map<string, readonly string[]>()
    for (const [name, { indexes = [] }] of this.implementations()) if (indexes.length > 0) declared.set(name, indexes)
    const text = JSON.stringify([...declared])
    const told =
      this.#told?.text === text ? this.#told : { text, done: this.store()?.index(declared) ?? Promise.resolve() }
    this.#told = told // 1
    try {
      await told.done
    } catch (error) {
      if (this.#told === told) this.#told = undefined
      throw error
    }
  }
}

/** @throws {GenServerError} `invalid_request` */
function conditionsOf(implementation: string, definition: DefinitionData, where: Where): Search['where'] {
  const indexes = indexesOf(definition)
  const declared = [...indexes.keys()].join(' or ') || 'nothing: it has no indexes'
  const errors: InputError[] = []
  const conditions = Object.entries(where).map(([property, value]): Condition => {
    const path = `/where/${escapePointer(property)}`
    const type = indexes.get(property)
    if (type === undefined) errors.push({ path, message: `Expected ${declared}` })
    else if (!isOfType(type, value)) errors.push({ path, message: `Expected ${describeType(type)}` })
    return { property, value: JSON.stringify(value) }
  })
  const [first, ...others] = conditions
  if (first === undefined) errors.push({ path: '/where', message: 'Expected a property' })
  if (first === undefined || errors.length > 0) {
    throw new GenServerError('invalid_request', `servers of ${implementation} cannot be looked for by that`, { errors })
  }
  return [first, ...others]
}
