/** Implementations as HTTP shows them: what can be started, and with which JSON schemas. */
import { type Static, Type } from '@sinclair/typebox'
import {
  argsSchema,
  type CallInterface,
  type CastInterface,
  type DefinitionData,
  type IndexedType,
  indexesOf,
} from '../index.js'
import { Ref } from './schema-ref.js'
import { restart, restartFrom } from './server-schemas.js'

const JsonSchema = () => Type.Optional(Type.Unsafe<object>({ type: 'object', description: 'A JSON schema.' }))

const CallInfo = Type.Object(
  {
    description: Type.Optional(Type.String()),
    args: JsonSchema(),
    reply: JsonSchema(),
    readOnly: Type.Optional(Type.Boolean({ description: 'It only looks: it makes no revision.' })),
  },
  {
    $id: 'CallInfo',
    description: 'A message that is answered. Without `args` it takes none; without `reply` it is null.',
  },
)

const CastInfo = Type.Object(
  { description: Type.Optional(Type.String()), args: JsonSchema() },
  { $id: 'CastInfo', description: 'A message that nobody waits for. Without `args` it takes none.' },
)

export const ImplementationInfo = Type.Object(
  {
    name: Type.String({ examples: ['stack'] }),
    description: Type.Optional(Type.String()),
    version: Type.Integer({ description: 'The version of its code.' }),
    restart: restart(),
    restartFrom: restartFrom(),
    durable: Type.Boolean({ description: 'What it acknowledges is on disk.' }),
    indexes: Type.Record(Type.String(), Type.Unsafe<object>({ type: 'object' }), {
      description:
        'By which properties of their state its servers are found (`where`), each with a JSON schema of its values.',
    }),
    args: JsonSchema(),
    calls: Type.Record(Type.String(), Ref(CallInfo)),
    casts: Type.Record(Type.String(), Ref(CastInfo)),
    events: Type.Record(Type.String(), Type.Unsafe<object>({ type: 'object' })),
  },
  { $id: 'ImplementationInfo', description: 'What can be started, and the messages that its servers take.' },
)

export const ImplementationList = Type.Object(
  { implementations: Type.Array(Ref(ImplementationInfo)) },
  { $id: 'ImplementationList' },
)

export const implementationSchemas = [CallInfo, CastInfo, ImplementationInfo, ImplementationList]

/** What is shown of an implementation. The schema of its state stays inside, as the state does. */
export function describeImplementation(name: string, definition: DefinitionData): Static<typeof ImplementationInfo> {
  const { description, args, calls = {}, casts = {}, events = {}, version, restart, restartFrom, durable } = definition
  return {
    name,
    ...(description !== undefined && { description }),
    version: version ?? 1,
    restart: restart ?? 'transient',
    restartFrom: restartFrom ?? 'state',
    durable: durable ?? false,
    indexes: Object.fromEntries([...indexesOf(definition)].map(([property, type]) => [property, valueSchema(type)])),
    ...(args && { args: argsSchema(args) as object }),
    calls: mapValues(calls, ({ description, args, reply, readOnly }: CallInterface) => ({
      ...(description !== undefined && { description }),
      ...(args && { args: argsSchema(args) as object }),
      ...(reply && { reply }),
      ...(readOnly && { readOnly }),
    })),
    casts: mapValues(casts, ({ description, args }: CastInterface) => ({
      ...(description !== undefined && { description }),
      ...(args && { args: argsSchema(args) as object }),
    })),
    events: { ...events },
  }
}

function valueSchema({ type, nullable }: IndexedType): object {
  return { type: nullable ? [type, 'null'] : type }
}

function mapValues<T, U>(from: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, change(value)]))
}
