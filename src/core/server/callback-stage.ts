/**
 * Where one callback runs without a runtime (`run-callback.ts`): its server and its peers, as far as `ctx` can tell.
 *
 * 1. Nothing leaves: what the callback says is listed, in order. Whoever it is said to is there, and takes anything.
 * 2. `ctx.call` and `ctx.start` act at once, so the test says what comes of them; otherwise nobody is there.
 */

import { Ignore, NoReply, Refuse, Stop } from '../definition/answer.js'
import type { StartFromHandler } from '../definition/context.js'
import { checkPlain } from '../definition/plain.js'
import type { Handler, Operation, Protocol } from '../definition/protocol.js'
import { Call } from '../kernel/call.js'
import type { Clock } from '../kernel/clock.js'
import { unknownImplementation, unknownServer } from '../kernel/errors.js'
import { copyJson, type Json } from '../kernel/json.js'
import { silentLogger } from '../kernel/logger.js'
import type { Reason } from '../kernel/reason.js'
import { createSimulatedClock } from '../kernel/simulated-clock.js'
import { freeze } from './draft.js'
import type { Effect } from './effects.js'
import type { Peer, Peers, Self } from './peers.js'
import { Scope } from './scope.js'
import { callOperation } from './sending.js'
import { noAnswer, type Turned, turn } from './turn.js'
import { TurnContext } from './turn-context.js'

/** What the callback finds around it. */
export interface CallbackWorld {
  /** Default `me`. */
  readonly id?: string
  readonly incarnation?: number
  readonly clock?: Clock
  /** The address of the caller of a call. Default `caller`. */
  readonly from?: string
  /** Whether whoever has this address still waits for a reply. Default: everybody does. */
  waits?(from: string): boolean
  /** What another server answers; it may throw. */
  call?(id: string, message: string, args: unknown): unknown
  /** The id of the server that is started. */
  start?(implementation: string, args: unknown, options: StartFromHandler): string | undefined
}

/** What the callback said beside its reply, and would have left with it. */
export type Said =
  | Exclude<Effect, { readonly kind: 'send' | 'reply' }>
  | { readonly kind: 'cast' | 'send'; readonly to: string; readonly message: string; readonly args: Json }
  | { readonly kind: 'reply'; readonly to: string; readonly reply: Json }

export interface Ran<State, R = undefined> {
  /** The next state; that of an `init` which starts no server is `undefined`. */
  readonly state: State
  /** What its caller is answered; `undefined` where nobody waits, or has to wait on. */
  readonly reply: R | undefined
  /** Why the server ends, if it does. */
  readonly stop: Reason | undefined
  /** Of an `init`: it chose to be `ignored`, or why it refuses. */
  readonly notStarted: 'ignored' | { readonly refused: string } | undefined
  readonly said: readonly Said[]
}

/** Another server: a place in its mailbox, and any message. */
function anybody(id: string): Peer {
  const takes = (message: string): Operation => ({ message, check: checkPlain, handler: () => {} })
  const protocol = { name: 'anybody', casts: { get: takes }, infos: new Map() }
  return { id, protocol, mailbox: { reserve: () => true } } as unknown as Peer
}

export class CallbackStage {
  readonly #self: Self
  readonly #callers = new Map<string, Call>()
  #refs = 0

  constructor(
    private readonly protocol: Protocol,
    private readonly world: CallbackWorld,
  ) {
    const { id = 'me', incarnation = 1, clock = createSimulatedClock() } = world
    const node = { clock, logger: silentLogger, makeRef: (prefix: string) => `${prefix}${++this.#refs}` }
    this.#self = { id, incarnation, protocol, node, kept: () => undefined } as unknown as Self
  }

  async init(args: unknown): Promise<Ran<unknown>> {
    const scope = new Scope(undefined, undefined, false)
    const { definition, checkStartArgs } = this.protocol
    const result: unknown = await definition.init(copyJson(checkStartArgs(args)), this.#contextOf(scope))
    const ran = {
      state: undefined,
      reply: undefined,
      stop: undefined,
      notStarted: undefined,
      said: this.#saidIn(scope),
    }
    if (result instanceof Ignore) return { ...ran, notStarted: 'ignored' }
    if (result instanceof Refuse) return { ...ran, notStarted: { refused: result.reason } }
    return result instanceof Stop ? { ...ran, stop: result.reason } : { ...ran, state: result }
  }

  async call(message: string, state: object, args: unknown): Promise<Ran<unknown, unknown>> {
    const { handler, check, checkReply, readOnly } = callOperation(this.protocol, message)
    const call = new Call(this.#self, message, check(args), Number.POSITIVE_INFINITY, undefined, undefined)
    const scope = new Scope(call, undefined, readOnly)
    if (!readOnly) return this.#turned(scope, await turn(handler, state, call.args, this.#contextOf(scope), checkReply))
    const seen = freeze(structuredClone(state))
    const answer = checkReply(await handler(seen, call.args, this.#contextOf(scope)))
    return this.#turned(scope, { state, answer })
  }

  async run(handler: Handler, state: object, args: Json): Promise<Ran<unknown, unknown>> {
    const scope = new Scope(undefined, undefined, false)
    const turned = await turn(handler, state, args, this.#contextOf(scope), noAnswer)
    return { ...this.#turned(scope, turned), reply: undefined }
  }

  #turned(scope: Scope, { state, answer }: Turned): Ran<unknown, unknown> {
    const ran = { state, stop: undefined, notStarted: undefined, said: this.#saidIn(scope) }
    if (answer instanceof NoReply) return { ...ran, reply: undefined }
    if (answer instanceof Stop) return { ...ran, reply: answer.answer?.reply, stop: answer.reason }
    return { ...ran, reply: answer }
  }

  /** The turn is over. */
  #saidIn(scope: Scope): Said[] {
    scope.over = true
    return scope.effects.map((effect): Said => {
      if (effect.kind === 'reply') return { kind: 'reply', to: effect.call.ref as string, reply: effect.reply }
      if (effect.kind !== 'send') return effect
      const { kind, message, args } = effect.envelope
      return { kind: kind === 'cast' ? 'cast' : 'send', to: effect.to.id, message, args }
    })
  }

  #contextOf(scope: Scope): TurnContext {
    const { world } = this
    const peers: Partial<Peers> = {
      find: anybody,
      address: (call) => {
        call.ref = world.from ?? 'caller'
        this.#callers.set(call.ref, call)
        return call.ref
      },
      waiting: (ref) => (world.waits?.(ref) === false ? undefined : this.#callerAt(ref)),
      callFrom: async (id, message, args) => {
        if (world.call === undefined) throw unknownServer(id)
        return checkPlain(await world.call(id, message, checkPlain(args)))
      },
      startFrom: async (_waiter, implementation, args, options) => {
        if (world.start === undefined) throw unknownImplementation(implementation)
        const { link, ...rest } = options
        return world.start(implementation, args, { ...rest, ...(link && { link: true }) })
      },
    }
    return new TurnContext(this.#self, peers as Peers, scope)
  }

  /** Also one who has called another life, or another server. */
  #callerAt(ref: string): Call {
    const known = this.#callers.get(ref)
    if (known !== undefined) return known
    const call = new Call(this.#self, '', null, Number.POSITIVE_INFINITY, undefined, undefined)
    call.ref = ref
    this.#callers.set(ref, call)
    return call
  }
}
