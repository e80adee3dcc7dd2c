/**
 * `defineServer`: an implementation is its interface (data, see `interface.ts`) and its callbacks (code). This file says
 * what callbacks there are and lets TypeScript infer their parameters from the schemas.
 */
import type { Static, TObject, TSchema, TUnknown } from '@sinclair/typebox'
import type { Reason } from '../kernel/reason.js'
import type { Death } from '../kernel/ties.js'
import type { Ignore, NoReply, Refuse, Stop } from './answer.js'
import type { Context } from './context.js'
import type {
  ArgsOf,
  BUILT_IN_INFOS,
  CallInterface,
  CastInterface,
  InfoInterface,
  Interface,
  ReplyOf,
} from './interface.js'
import type { ServerOptions } from './options.js'

export type Awaitable<T> = T | Promise<T>

/** A call's handler: changes the draft, returns the reply. */
type CallHandler<State, Spec, Ctx> = Spec extends { readonly readOnly: true }
  ? (state: State, args: ArgsOf<Spec>, ctx: Ctx) => Awaitable<ReplyOf<Spec>>
  : (state: State, args: ArgsOf<Spec>, ctx: Ctx) => Awaitable<ReplyOf<Spec> | NoReply | Stop<ReplyOf<Spec>>>

/** The handler of a message that nobody waits for: changes the draft. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler may return nothing
type MessageHandler<State, Args, Ctx> = (state: State, args: Args, ctx: Ctx) => Awaitable<void | Stop<never>>

/** Handlers for infos that the interface does not declare say themselves what args they take. */
// biome-ignore lint/suspicious/noExplicitAny: see above
type UndeclaredArgs = any

type Handlers<Specs, Key extends string, Handler> = [keyof Specs] extends [never]
  ? { readonly [K in Key]?: Record<never, never> }
  : string extends keyof Specs // a definition made in place, as an argument of `createRuntime`, and without such messages
    ? { readonly [K in Key]?: Handler }
    : { readonly [K in Key]: Handler }

/** What the infos bring that the runtime itself sends. */
interface BuiltInInfos {
  readonly DOWN: Death & { readonly ref: string }
  readonly EXIT: Death
  readonly timeout: Record<never, never>
}

type BuiltInHandlers<State, Ctx> = {
  readonly [M in (typeof BUILT_IN_INFOS)[number]]?: MessageHandler<State, BuiltInInfos[M], Ctx>
}

type InfoHandlers<State, Infos, Ctx> = [keyof Infos] extends [never]
  ? BuiltInHandlers<State, Ctx> & { readonly [message: string]: MessageHandler<State, UndeclaredArgs, Ctx> }
  : string extends keyof Infos // a definition made in place, and without infos
    ? { readonly [message: string]: MessageHandler<State, UndeclaredArgs, Ctx> }
    : BuiltInHandlers<State, Ctx> & { readonly [M in keyof Infos]: MessageHandler<State, ArgsOf<Infos[M]>, Ctx> }

type Table<Spec> = Readonly<Record<string, Spec>>

/** The properties by which servers may be found. */
type Indexable<State> = {
  [K in keyof State & string]-?: State[K] extends string | number | boolean | null | undefined ? K : never
}[keyof State & string]

/** All that an implementation may say. */
export type Definition<
  Args extends TSchema,
  State extends TSchema,
  Calls extends Table<CallInterface>,
  Casts extends Table<CastInterface>,
  Infos extends Table<InfoInterface>,
  Events extends Table<TSchema>,
> = ServerOptions & {
  /** One or two sentences for the OpenAPI document. */
  readonly description?: string
  /** What a server is started with. */
  readonly args?: Args
  /** The state: an object, array, Map or Set. */
  readonly state: State
  readonly calls?: Calls
  readonly casts?: Casts
  /** Schemas of plain messages, to type and check them. Without it `handleInfo` takes any. */
  readonly infos?: Infos
  /** Schemas of what is published. */
  readonly events?: Events

  /** Gives the first state (OTP: `init/1`). */
  readonly init: (
    args: Static<NoInfer<Args>>,
    ctx: Context<Events>,
  ) => Awaitable<Static<NoInfer<State>> | Ignore | Refuse | Stop<never>>
  /**
   * Plain messages (OTP: `handle_info/2`). Those without a handler are logged and dropped. `timeout` is the idle timeout;
   * `DOWN` comes of a monitor and `EXIT` of a link, with a `Death`.
   */
  readonly handleInfo?: InfoHandlers<Static<NoInfer<State>>, NoInfer<Infos>, Context<Events>>
  /** Second steps, run before any message that waits (OTP: `handle_continue/2`). */
  readonly handleContinue?: {
    readonly [name: string]: MessageHandler<Static<NoInfer<State>>, UndeclaredArgs, Context<Events>>
  }
  /**
   * The state is given up: on every ordered stop, and on a crash unless the server restarts from its state (OTP:
   * `terminate/2`). Never after a kill or a failed `init`.
   */
  readonly terminate?: (state: Static<NoInfer<State>>, reason: Reason, ctx: Context<Events>) => Awaitable<void>
  /** What operators may see of the state (OTP: `format_status/1`). If it throws they see nothing. */
  readonly redact?: (state: Static<NoInfer<State>>) => unknown
  /** The version of the code, which the server's info shows. Default 1. */
  readonly version?: number
  /**
   * Gives the state of this version for one of version `oldVersion`, which is frozen (OTP: `code_change/3`). Called when the
   * code is changed under servers that run (see `Operations.changeCode`), and when a state that a server of another version has kept
   * comes out of the store; of one server perhaps more than once.
   */
  readonly codeChange?: (oldState: unknown, oldVersion: number) => Static<NoInfer<State>>
  /**
   * Acknowledged means kept: nothing of a turn is heard before the runtime's store has kept the new state, and the server is there
   * again with it when the next runtime begins (`restore`). Needs a runtime with a store; the state is JSON.
   */
  readonly durable?: boolean
  /**
   * By which properties of their state durable servers are found (see `find`). Their values are strings, numbers, integers or booleans,
   * or `null`. Each costs a little with every state that is kept.
   */
  readonly indexes?: readonly Indexable<Static<NoInfer<State>>>[]
  /** Where servers run in threads: those of this implementation have one of their own. */
  readonly isolate?: boolean
  /**
   * Where servers run in threads: for how many milliseconds a callback may hold its thread before that is given up. Default: what
   * the gateway says.
   */
  readonly handlerLimit?: number
} & Handlers<
    Calls,
    'handleCall',
    { readonly [M in keyof Calls]: CallHandler<Static<NoInfer<State>>, Calls[M], Context<Events>> }
  > &
  Handlers<
    Casts,
    'handleCast',
    { readonly [M in keyof Casts]: MessageHandler<Static<NoInfer<State>>, ArgsOf<Casts[M]>, Context<Events>> }
  >

// biome-ignore-start lint/suspicious/noExplicitAny: any definition at all, whatever its schemas say
type AnyHandler = (state: any, args: any, ctx: any) => unknown

/** Any implementation, as the runtime sees it. */
export interface AnyDefinition extends Interface, ServerOptions {
  readonly init: (args: any, ctx: any) => unknown
  readonly handleCall?: Readonly<Record<string, AnyHandler>>
  readonly handleCast?: Readonly<Record<string, AnyHandler>>
  readonly handleInfo?: Readonly<Record<string, AnyHandler>>
  readonly handleContinue?: Readonly<Record<string, AnyHandler>>
  readonly terminate?: (state: any, reason: any, ctx: any) => unknown
  readonly redact?: (state: any) => unknown
  readonly version?: number
  readonly codeChange?: (oldState: unknown, oldVersion: number) => unknown
  readonly durable?: boolean
  readonly indexes?: readonly string[]
  readonly isolate?: boolean
  readonly handlerLimit?: number
}
// biome-ignore-end lint/suspicious/noExplicitAny: as above

/** What of a definition is data, and can be known where its code is not. */
export type DefinitionData = Omit<
  AnyDefinition,
  'init' | 'handleCall' | 'handleCast' | 'handleInfo' | 'handleContinue' | 'terminate' | 'redact' | 'codeChange'
>

/** Set on what `defineServer` returns, so that a loader can tell an implementation from any other default export. */
const DEFINITION = Symbol.for('genservers.definition')

/**
 * Defines an implementation. The schemas come first and are data; the callbacks follow, and TypeScript holds them to the
 * schemas: a missing handler, a wrong reply or an unknown message does not compile.
 *
 * @example
 * export default defineServer({
 *   state: Type.Object({ count: Type.Integer() }),
 *   calls: { increment: { reply: Type.Integer() } },
 *   init: () => ({ count: 0 }),
 *   handleCall: { increment: (state) => ++state.count },
 * })
 */
export function defineServer<
  State extends TSchema = TUnknown,
  Args extends TSchema = TObject<Record<never, never>>,
  const Calls extends Table<CallInterface> = Record<never, never>,
  const Casts extends Table<CastInterface> = Record<never, never>,
  const Infos extends Table<InfoInterface> = Record<never, never>,
  const Events extends Table<TSchema> = Record<never, never>,
>(
  definition: Definition<Args, State, Calls, Casts, Infos, Events>,
): Definition<Args, State, Calls, Casts, Infos, Events> {
  const made = Object.assign({}, definition, { [DEFINITION]: true })
  Object.freeze(made)
  return made
}

/** Whether `value` was made by `defineServer`, by whichever copy of this module. */
export function isDefinition(value: unknown): value is AnyDefinition {
  return typeof value === 'object' && value !== null && DEFINITION in value
}
