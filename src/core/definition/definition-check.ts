/**
 * Holds a definition to its own word before anything of it runs. TypeScript sees most of this while the author writes;
 * a definition that comes as JavaScript, or was cast, is caught here.
 */
import type { AnyDefinition } from './definition.js'
import { faultsOfIndexes } from './indexes.js'
import { RUNTIME_EVENTS } from './info.js'
import { BUILT_IN_INFOS } from './interface.js'
import { faultsOfOptions } from './options.js'

const KEYS: ReadonlySet<string> = new Set([
  'description',
  'args',
  'state',
  'calls',
  'casts',
  'infos',
  'events',
  'init',
  'handleCall',
  'handleCast',
  'handleInfo',
  'handleContinue',
  'terminate',
  'redact',
  'version',
  'codeChange',
  'durable',
  'indexes',
  'idle',
  'isolate',
  'handlerLimit',
  'restart',
  'restartFrom',
  'shutdown',
  'mailbox',
])

const builtInInfos: ReadonlySet<string> = new Set(BUILT_IN_INFOS)

/** How messages are spelt: so that each is a path segment and part of an `operationId`. */
const MESSAGE = /^[A-Za-z][A-Za-z0-9_]{0,63}$/

/** How events are spelt: so that each is one line of a stream of events. */
const EVENT = /^[A-Za-z][A-Za-z0-9_.:-]{0,63}$/

const runtimeEvents: ReadonlySet<string> = new Set(RUNTIME_EVENTS)

/** @throws {Error} that names every contradiction. */
export function checkDefinition(name: string, definition: AnyDefinition): void {
  const faults = [...faultsOf(definition)]
  if (faults.length > 0) throw new Error(`${name}: ${faults.join('; ')}`)
}

function* faultsOf(definition: AnyDefinition): Generator<string> {
  for (const key of Object.keys(definition)) if (!KEYS.has(key)) yield `${key} is not a key of a definition`
  if (typeof definition.init !== 'function') yield 'init is missing'
  for (const key of ['terminate', 'redact', 'codeChange'] as const) {
    if (definition[key] !== undefined && typeof definition[key] !== 'function') yield `${key} is not a function`
  }
  const { isolate = false, handlerLimit = 1 } = definition
  if (typeof isolate !== 'boolean') yield 'isolate is not true or false'
  if (!(typeof handlerLimit === 'number' && handlerLimit > 0))
    yield 'handlerLimit is not a positive number of milliseconds'
  const { version = 1 } = definition
  if (!Number.isInteger(version) || version < 1) yield 'version is not a positive integer'
  yield* faultsOfIndexes(definition)
  for (const { path, message } of faultsOfOptions(definition)) yield `${path.slice(1)}: ${message}`
  yield* unmatched('calls', definition.calls, 'handleCall', definition.handleCall)
  yield* unmatched('casts', definition.casts, 'handleCast', definition.handleCast)
  if (definition.infos) yield* unmatched('infos', definition.infos, 'handleInfo', definition.handleInfo, builtInInfos)
  else yield* notFunctions('handleInfo', definition.handleInfo)
  yield* notFunctions('handleContinue', definition.handleContinue)
  for (const message of Object.keys({ ...definition.calls, ...definition.casts })) {
    if (!MESSAGE.test(message)) yield `${message} is not spelt like a message (${MESSAGE.source})`
  }
  for (const event of Object.keys(definition.events ?? {})) {
    if (!EVENT.test(event)) yield `${event} is not spelt like an event (${EVENT.source})`
    if (runtimeEvents.has(event)) yield `events has ${event}, which the runtime tells itself`
  }
}

function* unmatched(
  table: string,
  specs: Readonly<Record<string, unknown>> = {},
  handlersKey: string,
  handlers: Readonly<Record<string, unknown>> = {},
  alsoHandled: ReadonlySet<string> = new Set(),
): Generator<string> {
  yield* notFunctions(handlersKey, handlers)
  for (const message of Object.keys(specs)) {
    if (!Object.hasOwn(handlers, message)) yield `${table} has ${message}, but ${handlersKey} has no such handler`
  }
  for (const message of Object.keys(handlers)) {
    if (!Object.hasOwn(specs, message) && !alsoHandled.has(message)) {
      yield `${handlersKey} has ${message}, but ${table} has no such message`
    }
  }
}

function* notFunctions(key: string, handlers: Readonly<Record<string, unknown>> = {}): Generator<string> {
  for (const [message, handler] of Object.entries(handlers)) {
    if (typeof handler !== 'function') yield `${key}.${message} is not a function`
  }
}
