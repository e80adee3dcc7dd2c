/**
 * One callback, run without a runtime, for tests: what a turn is given goes in, and what comes of it comes out. The turn, its
 * `ctx` and all checks are those of a server; where it runs is a `CallbackStage`.
 */
import type { Static, TSchema } from '@sinclair/typebox'
import type { AnyDefinition } from '../definition/definition.js'
import type { CallName, CallRequest, CastName, CastRequest, Reply, StartArgs } from '../definition/interface.js'
import { checkPlain } from '../definition/plain.js'
import { compileProtocol } from '../definition/protocol.js'
import type { Reason } from '../kernel/reason.js'
import { CallbackStage, type CallbackWorld, type Ran } from './callback-stage.js'
import { castOperation } from './sending.js'

/** The state of definition `D`. */
export type StateOf<D> = D extends { readonly state: infer State extends TSchema } ? Static<State> : object

/** A call of `D`, and the state that it meets. */
export interface CallToRun<D, M extends CallName<D>> {
  readonly call: M
  readonly args?: CallRequest<D, M>[1]
  readonly state: StateOf<D>
}

/** Any other callback of `D`. */
export type CallbackToRun<D> =
  | { readonly init: StartArgs<D> }
  | { readonly cast: CastName<D>; readonly args?: CastRequest<D>[1]; readonly state: StateOf<D> }
  | { readonly info: string; readonly args?: unknown; readonly state: StateOf<D> }
  | { readonly continue: string; readonly args?: unknown; readonly state: StateOf<D> }
  | { readonly terminate: Reason; readonly state: StateOf<D> }

/**
 * Runs one callback as a turn would, and changes nothing: not even the state that it is given.
 *
 * @example
 * const { reply, state } = await runCallback(stack, { call: 'pop', state: { items: [1, 2] } })
 * // reply 2, state { items: [1] }
 * @throws what the callback throws · {GenServerError} `unknown_message`, `invalid_args` · {BadReply}
 */
export function runCallback<D, M extends CallName<D>>(
  definition: D,
  callback: CallToRun<D, M>,
  world?: CallbackWorld,
): Promise<Ran<StateOf<D>, Reply<D, M>>>
export function runCallback<D>(
  definition: D,
  callback: CallbackToRun<D>,
  world?: CallbackWorld,
): Promise<Ran<StateOf<D>>>
export async function runCallback(
  definition: unknown,
  given: unknown,
  world: CallbackWorld = {},
): Promise<Ran<unknown, unknown>> {
  const callback = given as CallToRun<AnyDefinition, string> | CallbackToRun<AnyDefinition>
  const protocol = compileProtocol('the definition', definition as AnyDefinition)
  const stage = new CallbackStage(protocol, world)
  if ('init' in callback) return stage.init(callback.init)
  const { state } = callback
  if ('call' in callback) return stage.call(callback.call, state, callback.args)
  if ('cast' in callback) {
    const { handler, check } = castOperation(protocol, callback.cast)
    return stage.run(handler, state, check(callback.args))
  }
  if ('info' in callback) {
    const { handler, check } = mustBeThere(protocol.infos.get(callback.info), `handleInfo.${callback.info}`)
    return stage.run(handler, state, check(callback.args))
  }
  if ('continue' in callback) {
    const handler = mustBeThere(protocol.continues.get(callback.continue), `handleContinue.${callback.continue}`)
    return stage.run(handler, state, checkPlain(callback.args))
  }
  const terminate = mustBeThere(protocol.definition.terminate, 'terminate')
  return stage.run((draft, _, ctx) => terminate(draft, callback.terminate, ctx), state, null)
}

function mustBeThere<T>(callback: T | undefined, name: string): T {
  if (callback === undefined) throw new Error(`there is no ${name}`)
  return callback
}
