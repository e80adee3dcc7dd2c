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
import { checkPlain, copyPlain } from './plain.js'
import { closeSchema, compileSchema } from './schema.js'
import { stateCheck } from './state-check.js'

/** Replies may hold what many messages brought, so they may be deeper than one message. */
const REPLY_DEPTH = 256

export type Handler = (state: unknown, args: Json, ctx: unknown) => unknown
/** Copies a value and holds the copy to its schema; throws if it does not fit. */
export type Check = (value: unknown) => Json

export interface Operation {
  /** The name of the message. */
  readonly message: string
  /** For what the message brings. @throws {GenServerError} `invalid_args` */
  readonly check: Check
  readonly handler: Handler
}

export interface CallOperation extends Operation {
  readonly readOnly: boolean
  /** For the reply, while the drafts in it are alive. @throws {BadReply} */
  readonly checkReply: Check
}

export interface Protocol {
  readonly name: string
  readonly definition: AnyDefinition
  readonly version: number
  /** For the args of `init`. @throws {GenServerError} `invalid_args` */
  readonly checkStartArgs: Check
  /** For a state that comes from outside. @throws {GenServerError} `invalid_request` */
  readonly checkState: (value: unknown) => object
  readonly calls: ReadonlyMap<string, CallOperation>
  readonly casts: ReadonlyMap<string, Operation>
  readonly infos: ReadonlyMap<string, Operation>
  readonly continues: ReadonlyMap<string, Handler>
  /** For what is published. @throws {Error} */
  readonly events: ReadonlyMap<string, Check>
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
      const check =
        kind === 'info' && spec === undefined ? checkPlain : inPlace(message, () => argsCheck(message, spec?.args))
      return [message, { message, check, handler }]
    })
  return {
    name,
    definition,
    version: definition.version ?? 1,
    checkStartArgs: inPlace('args', () => startArgsCheck(name, definition.args)),
    checkState: inPlace('state', () => stateCheck(definition.state)),
    calls: new Map(
      Object.entries(definition.calls ?? {}).map(([message, spec]): [string, CallOperation] => [
        message,
        {
          message,
          check: inPlace(message, () => argsCheck(message, spec.args)),
          checkReply: inPlace(message, () => replyCheck(message, spec.reply)),
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
        inPlace(event, () => eventCheck(event, schema)),
      ]),
    ),
  }
}

/** The schema by which args are checked, and which clients are shown: closed; `undefined` where none are taken. */
export function argsSchema(schema: TSchema | undefined): TSchema | undefined {
  return schema && closeSchema(schema)
}

function argsCheck(message: string, schema: TSchema | undefined): Check {
  const closed = argsSchema(schema)
  if (closed === undefined) return (args) => nothing(message, args)
  const compiled = compileSchema(closed)
  const omitted = closed.type === 'object' ? () => ({}) : () => null
  return (args) => {
    const copy = compiled.complete(args === undefined ? omitted() : checkPlain(args))
    if (compiled.accepts(copy)) return copy
    throw new GenServerError('invalid_args', `the args of ${message} are not what it takes`, {
      errors: compiled.errors(copy),
    })
  }
}

/** `init` gets a copy of its args, so that all servers which were given none can share what they were given. */
function startArgsCheck(name: string, schema: TSchema | undefined): Check {
  const check = argsCheck(name, schema)
  let usual: Json | undefined
  return (args) => {
    if (args !== undefined) return check(args)
    usual ??= check(undefined)
    return usual
  }
}

function nothing(message: string, args: unknown): Json {
  if (args === undefined) return {}
  if (typeof args === 'object' && args !== null && !Array.isArray(args) && Object.keys(args).length === 0) return {}
  throw new GenServerError('invalid_args', `${message} takes no args`, {
    errors: [{ path: '', message: 'Expected no args' }],
  })
}

function replyCheck(message: string, schema: TSchema | undefined): Check {
  if (schema === undefined) return () => null
  return promised(schema, (fault) => new BadReply(`bad reply: what ${message} gave ${fault}`))
}

function eventCheck(event: string, schema: TSchema): Check {
  return promised(schema, (fault) => new Error(`bad event: what was published as ${event} ${fault}`))
}

/** Holds what a handler gives to what its interface promises. Such schemas stay open: more than was promised is fine. */
function promised(schema: TSchema, broken: (fault: string) => Error): Check {
  const compiled = compileSchema(schema)
  return (value) => {
    let copy: Json
    try {
      copy = copyPlain(value, REPLY_DEPTH)
    } catch (error) {
      throw error instanceof NotJson ? broken(`is not JSON: ${error.message}`) : error
    }
    if (compiled.accepts(copy)) return copy
    const [first] = compiled.errors(copy)
    throw broken(`is not what it promises: ${first?.path ? `${first.path} ` : ''}${first?.message}`)
  }
}
