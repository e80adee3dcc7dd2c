/**
 * The interface of an implementation: the half that is data. It names the messages of a server and their schemas, so
 * clients, the OpenAPI document and other nodes can use it without running the callbacks (see `definition.ts`).
 */
import type { Static, TSchema } from '@sinclair/typebox'

/** A message that waits for a reply. Without `reply` the answer is `null`; without `args` the message takes none. */
export interface CallInterface {
  readonly description?: string
  readonly args?: TSchema
  readonly reply?: TSchema
  /** The handler only looks: it gets the frozen state and the next message does not wait for it. */
  readonly readOnly?: boolean
}

/** A message that is fire and forget. */
export interface CastInterface {
  readonly description?: string
  readonly args?: TSchema
}

/** Plain messages that the runtime itself sends: a handler needs no declaration for them. */
export const BUILT_IN_INFOS = ['DOWN', 'EXIT', 'timeout'] as const

/** A plain message: a timer, a `send`, a piped result. Declaring it types its handler and checks its args. */
export type InfoInterface = CastInterface

/** What can be known of an implementation without running it. */
export interface Interface {
  readonly description?: string
  readonly args?: TSchema
  readonly state?: TSchema
  readonly calls?: Readonly<Record<string, CallInterface>>
  readonly casts?: Readonly<Record<string, CastInterface>>
  readonly infos?: Readonly<Record<string, InfoInterface>>
  readonly events?: Readonly<Record<string, TSchema>>
}

/** What a handler gets as `args`. */
export type ArgsOf<Spec> = Spec extends { readonly args: infer Args extends TSchema }
  ? Static<Args>
  : Record<string, never>

/** What a call's handler answers. */
// biome-ignore lint/suspicious/noConfusingVoidType: a call without a reply schema may have a handler that returns nothing
export type ReplyOf<Spec> = Spec extends { readonly reply: infer Reply extends TSchema } ? Static<Reply> : void

type Messages<D, Kind extends 'calls' | 'casts'> = D extends { readonly [K in Kind]?: infer Specs extends object }
  ? Specs
  : Record<never, never>

/** The rest of the parameters after the message: none for a message without args, optional where all may be left out. */
type ArgsParameter<Spec> = Spec extends { readonly args: TSchema }
  ? Record<never, never> extends ArgsOf<Spec>
    ? [args?: ArgsOf<Spec>]
    : [args: ArgsOf<Spec>]
  : [args?: Record<string, never>]

/** The names of the calls of definition `D`. */
export type CallName<D> = keyof Messages<D, 'calls'> & string
/** The names of the casts of definition `D`. */
export type CastName<D> = keyof Messages<D, 'casts'> & string

/** `[message, args]` of one call of `D`. */
export type CallRequest<D, M extends CallName<D> = CallName<D>> = M extends unknown
  ? [message: M, ...ArgsParameter<Messages<D, 'calls'>[M]>]
  : never
/** `[message, args]` of one cast of `D`. */
export type CastRequest<D, M extends CastName<D> = CastName<D>> = M extends unknown
  ? [message: M, ...ArgsParameter<Messages<D, 'casts'>[M]>]
  : never

/** What the caller of `M` is answered. */
export type Reply<D, M extends CallName<D>> = M extends unknown ? AnswerOf<Messages<D, 'calls'>[M]> : never
type AnswerOf<Spec> = Spec extends { readonly reply: infer R extends TSchema } ? Static<R> : null

/** What a server of `D` is started with. */
export type StartArgs<D> = D extends { readonly args?: infer Args extends TSchema }
  ? Static<Args>
  : Record<string, never>

declare const served: unique symbol

/**
 * The id of a server, which remembers at compile time what it is a server of: `start(counter)` gives a
 * `ServerId<typeof counter>`, and a call to it is typed. At run time it is the id, a string.
 */
export type ServerId<D> = string & { readonly [served]: D }
/** An id that does not remember what it is a server of. */
export type PlainId = string & { readonly [served]?: never }

/**
 * Says what the server with this id is a server of, for ids that come from elsewhere, such as a configuration.
 *
 * @example await runtime.call(serverId<typeof counter>('hits'), 'increment', { by: 1 })
 */
export function serverId<D>(id: string): ServerId<D> {
  return id as ServerId<D>
}
