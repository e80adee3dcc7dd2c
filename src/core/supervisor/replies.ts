/** What a supervisor replies: the schemas, of which every client is told, and how they are filled. */
import { type Static, type TSchema, Type } from '@sinclair/typebox'
import type { GenServerError } from '../kernel/errors.js'
import { ChildId, words } from './child-spec.js'
import type { Child } from './child-table.js'

const Failure = Type.Object({
  error: Type.Object({
    code: Type.String({ examples: ['already_present'] }),
    message: Type.String(),
    reason: Type.Optional(Type.Unknown()),
  }),
})
export const orFailure = <T extends TSchema>(schema: T) => Type.Union([schema, Failure])

export const ChildStarted = Type.Object({
  id: ChildId,
  status: Type.Union([Type.Literal('running'), Type.Literal('ignored')], {
    description: '`ignored`: its `init` chose not to start.',
  }),
})
export const Done = Type.Object({ ok: Type.Literal(true) })
export const OfChild = Type.Object({ id: ChildId })
export const ChildInfo = Type.Object({
  id: ChildId,
  implementation: Type.String(),
  type: Type.Union([Type.Literal('worker'), Type.Literal('supervisor')]),
  status: Type.Union(
    [Type.Literal('running'), Type.Literal('restarting'), Type.Literal('stopping'), Type.Literal('stopped')],
    { description: '`stopping`: it has been ordered to end. `stopped`: it does not run, and its spec is kept.' },
  ),
  restart: words(['permanent', 'transient', 'temporary'], 'What its spec says, or else its implementation.'),
  significant: Type.Boolean(),
})
export const Counts = Type.Object({
  specs: Type.Integer({ description: 'Children, running or not.' }),
  active: Type.Integer({ description: 'Those that run.' }),
  supervisors: Type.Integer(),
  workers: Type.Integer(),
})

export const fail = (code: string, message: string, reason?: unknown) => ({
  error: { code, message, ...(reason !== undefined && { reason }) },
})
export const done = { ok: true } as const
export const notFound = (id: string) => fail('not_found', `there is no child ${id}`)

export function answerEnd(failure: GenServerError | undefined) {
  return failure === undefined ? done : fail(failure.code, failure.message)
}

export function answerStart(id: string, outcome: 'running' | 'ignored' | GenServerError) {
  if (typeof outcome === 'string') return { id, status: outcome }
  return fail(outcome.code, outcome.message, outcome.details.reason)
}

export function describe({ spec, terms, status }: Child, isSupervisor: boolean): Static<typeof ChildInfo> {
  const { id, implementation, significant = false } = spec
  return {
    id,
    implementation,
    type: isSupervisor ? 'supervisor' : 'worker',
    status,
    restart: terms.restart,
    significant,
  }
}
