/**
 * What is said of a child (OTP: child specification), and of a supervisor (OTP: supervisor flags): schemas, so that every
 * client is told of them, and what schemas cannot say.
 */
import { type SchemaOptions, type Static, Type } from '@sinclair/typebox'
import { ID_PATTERN } from '../kernel/id.js'
import { STRATEGIES } from './strategy.js'

export const words = <const W extends readonly string[]>(all: W, description: string, more: SchemaOptions = {}) =>
  Type.Union(
    all.map((word) => Type.Literal(word as W[number])),
    { description, ...more },
  )

export const ChildId = Type.String({
  pattern: ID_PATTERN,
  description: 'Its name, by which anybody calls it.',
  examples: ['worker-1'],
})

export const ChildSpec = Type.Object({
  id: ChildId,
  implementation: Type.String({ examples: ['counter'] }),
  args: Type.Optional(Type.Unknown({ description: 'What its `init` gets.' })),
  restart: Type.Optional(
    words(
      ['permanent', 'transient', 'temporary'],
      'When it is restarted: always, after a crash, or never. Default: what its implementation says, else transient; ' +
        'permanent for a supervisor that is not significant.',
    ),
  ),
  restartFrom: Type.Optional(
    words(
      ['state', 'init'],
      'What it begins with after a crash. Default: what its implementation says, else init; state for a durable one.',
    ),
  ),
  shutdown: Type.Optional(
    Type.Union([Type.Integer({ minimum: 0 }), Type.Literal('infinity'), Type.Literal('brutalKill')], {
      description: 'How many milliseconds it may take to end. Default: 5000; infinity for a supervisor.',
    }),
  ),
  mailbox: Type.Optional(Type.Integer({ minimum: 1, description: 'How many messages may wait.' })),
  labels: Type.Optional(Type.Array(Type.String(), { description: 'The groups that it is in.' })),
  idle: Type.Optional(
    Type.Integer({
      minimum: 1,
      description: 'Milliseconds that it stays in memory if it is durable and nobody asks it.',
    }),
  ),
  significant: Type.Optional(
    Type.Boolean({ description: 'Its end may end the supervisor (`autoShutdown`). Not for permanent children.' }),
  ),
  timeout: Type.Optional(
    Type.Integer({ minimum: 0, description: 'How many milliseconds its `init` may take. Default: without end.' }),
  ),
})
export type ChildSpec = Static<typeof ChildSpec>

export const AUTO_SHUTDOWN = ['never', 'anySignificant', 'allSignificant'] as const

const strategy = (more?: SchemaOptions) =>
  words(STRATEGIES, 'Who is restarted with a child that died: nobody else, all, or those started after it.', more)
const autoShutdown = (more?: SchemaOptions) =>
  words(AUTO_SHUTDOWN, 'Whether it ends when a significant child has ended by itself.', more)
const maxRestarts = (more?: SchemaOptions) =>
  Type.Integer({ minimum: 0, description: 'One restart more within `maxSeconds` ends the supervisor.', ...more })
const maxSeconds = (more?: SchemaOptions) => Type.Integer({ minimum: 1, ...more })
const maxChildren = Type.Optional(
  Type.Integer({ minimum: 0, description: 'How many children there may be; more are refused.' }),
)

/** What may be changed while it runs. */
export const Flags = Type.Object({
  strategy: Type.Optional(strategy()),
  maxRestarts: Type.Optional(maxRestarts()),
  maxSeconds: Type.Optional(maxSeconds()),
  autoShutdown: Type.Optional(autoShutdown()),
  maxChildren,
})

export type Flags = Static<typeof Flags>

export const SupervisorArgs = Type.Object({
  strategy: strategy({ default: 'oneForOne' }),
  maxRestarts: maxRestarts({ default: 1 }),
  maxSeconds: maxSeconds({ default: 5 }),
  autoShutdown: autoShutdown({ default: 'never' }),
  maxChildren,
  children: Type.Array(ChildSpec, { default: [], description: 'Started in this order, ended in the reverse.' }),
})
export type SupervisorArgs = Static<typeof SupervisorArgs>

/** What is wrong with the children, in words, or `undefined`. */
export function faultOf({
  autoShutdown,
  children,
  maxChildren = Number.POSITIVE_INFINITY,
}: Pick<SupervisorArgs, 'autoShutdown' | 'children' | 'maxChildren'>): string | undefined {
  if (children.length > maxChildren) return `there are ${children.length} children, and maxChildren is ${maxChildren}`
  const ids = new Set<string>()
  for (const { id, significant, restart } of children) {
    if (ids.has(id)) return `two children have the id ${id}`
    ids.add(id)
    if (significant !== true) continue
    if (autoShutdown === 'never') return `${id} is significant, but autoShutdown is never`
    if (restart === 'permanent') return `${id} is significant, so it cannot be permanent`
  }
  return undefined
}
