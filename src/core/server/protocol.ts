/**
 * The protocol of an implementation: its definition, compiled. What can be done once for all messages of all servers is
 * done here: schemas become checks, and each message finds its check and its handler in one look-up. The tables are
 * Maps, so that no name can reach what an object inherits.
 */
import type { TSchema } from '@sinclair/typebox'
import { GenServerError } from '../kernel/errors.js'
import { type Json, NotJson } from '../kernel/json.js'
import type { AnyDefinition } from './definition.js'
import { checkDefinition } from './definition-check.js'
import { copyPlain, takePlain } from './plain.js'
import { type Check, closeSchema, compileSchema } from './schema.js'

/** Replies may hold what many messages brought, so they may be deeper than one message. */
const REPLY_DEPTH = 256

export type Handler = (state: unknown, args: Json, ctx: unknown) => unknown
/** Copies and checks what a message brings. @throws {GenServerError} `invalid_args` */
export type Take = (args: unknown) => Json

export interface Operation {
  readonly take: Take
  readonly handler: Handler
}

export interface CallOperation extends Operation {
  readonly readOnly: boolean
  /** Copies and checks a reply, while the drafts in it are alive. @throws {BadReply} */
  readonly reply: Take
}

export interface Protocol {
  readonly name: string
  readonly definition: AnyDefinition
  readonly version: number
  /** For the args of `init`. */
  readonly take: Take
  readonly calls: ReadonlyMap<string, CallOperation>
  readonly casts: ReadonlyMap<string, Operation>
  readonly infos: ReadonlyMap<string, Operation>
  readonly continues: ReadonlyMap<string, Handler>
  readonly events: ReadonlyMap<string, Take>
}

/** What a handler answered is not what its interface promises. */
export class BadReply extends Error {}

/** @throws {Error} if the definition contradicts itself, or a schema cannot be compiled. */
export function compileProtocol(name: string, definition: AnyDefinition): Protocol {
  checkDefinition(name, definition)
  const inPlace = <T>(place: string, compile: () => T): T => {
    try {
      return compile()
    } catch (error) {
      throw new Error(`${name}: ${place}: ${(error as Error).message}`, { cause: error })
    }
  }
  const operations = (kind: 'cast' | 'info', handlers: AnyDefinition['handleCast']) =>
    Object.entries(handlers ?? {}).map(([message, handler]): [string, Operation] => {
      const specs = kind === 'cast' ? definition.casts : definition.infos
      const spec = specs?.[message]
      const take =
        kind === 'info' && spec === undefined ? takePlain : inPlace(message, () => takeArgs(message, spec?.args))
      return [message, { take, handler }]
    })
  return {
    name,
    definition,
    version: definition.version ?? 1,
    take: inPlace('args', () => takeArgs(name, definition.args)),
    calls: new Map(
      Object.entries(definition.calls ?? {}).map(([message, spec]): [string, CallOperation] => [
        message,
        {
          take: inPlace(message, () => takeArgs(message, spec.args)),
          reply: inPlace(message, () => takeReply(message, spec.reply)),
          handler: definition.handleCall?.[message] as Handler,
          readOnly: spec.readOnly === true,
        },
      ]),
    ),
    casts: new Map(operations('cast', definition.handleCast)),
    infos: new Map(operations('info', definition.handleInfo)),
    continues: new Map(Object.entries(definition.handleContinue ?? {})),
    events: new Map(
      Object.entries(definition.events ?? {}).map(([event, schema]) => [
        event,
        inPlace(event, () => takeReply(event, schema)),
      ]),
    ),
  }
}

/** The schema by which args are checked, and which clients are shown: closed; `undefined` where none are taken. */
export function argsSchema(schema: TSchema | undefined): TSchema | undefined {
  return schema && closeSchema(schema)
}

function takeArgs(message: string, schema: TSchema | undefined): Take {
  const closed = argsSchema(schema)
  if (closed === undefined) return (args) => takeNothing(message, args)
  const check = compileSchema(closed)
  const omitted = closed.type === 'object' ? () => ({}) : () => null
  return (args) => {
    const taken = check.complete(args === undefined ? omitted() : takePlain(args))
    if (check.accepts(taken)) return taken
    throw new GenServerError('invalid_args', `the args of ${message} are not what it takes`, {
      errors: check.errors(taken),
    })
  }
}

function takeNothing(message: string, args: unknown): Json {
  if (args === undefined) return {}
  if (typeof args === 'object' && args !== null && !Array.isArray(args) && Object.keys(args).length === 0) return {}
  throw new GenServerError('invalid_args', `${message} takes no args`, {
    errors: [{ path: '', message: 'Expected no args' }],
  })
}

function takeReply(message: string, schema: TSchema | undefined): Take {
  if (schema === undefined) return () => null
  const check: Check = compileSchema(schema)
  return (reply) => {
    let taken: Json
    try {
      taken = copyPlain(reply, REPLY_DEPTH)
    } catch (error) {
      if (error instanceof NotJson) throw new BadReply(`bad reply: what ${message} gave is not JSON: ${error.message}`)
      throw error
    }
    if (check.accepts(taken)) return taken
    const [first] = check.errors(taken)
    throw new BadReply(
      `bad reply: what ${message} gave is not what it promises: ${first?.path ?? ''} ${first?.message}`,
    )
  }
}
