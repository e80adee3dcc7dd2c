/** What operators can do with the servers of a node (see `operations.ts` for what each member promises). */
import { isDraftable } from 'mutative'
import { decideTimeout } from '../definition/decide.js'
import type { AnyDefinition } from '../definition/definition.js'
import type { Protocol } from '../definition/protocol.js'
import { isJson, mustBeJson, refusedState } from '../definition/state-check.js'
import { Call, timedOut } from '../kernel/call.js'
import type { CrashRecord } from '../kernel/crash-records.js'
import { GenServerError } from '../kernel/errors.js'
import type { Server } from '../server/server.js'
import { type TraceListener, Tracer } from '../server/tracer.js'
import { SUPERVISOR } from '../supervisor/supervisor.js'
import { admit } from './admit.js'
import { CodeChange } from './code-change.js'
import type { KeptStates } from './kept-states.js'
import {
  BadDefinition,
  CallbackFailed,
  type CodeChanged,
  type CodeChangeOptions,
  type NewDefinition,
  type Operations,
  type ReplaceOptions,
} from './operations.js'
import { Patience } from './patience.js'
import { Starter } from './starter.js'

export abstract class Sys extends Starter implements Operations {
  /** Settles when no change of code goes on. */
  #codeChanged: Promise<unknown> = Promise.resolve()
  #codeChange: CodeChange | undefined = undefined
  /** Of all that wait for a change of code. */
  readonly #patiences = new Set<Patience>()

  /** Of servers that are not in memory. */
  protected abstract readonly keptStates: KeptStates | undefined

  suspend(id: string): void {
    this.mustBeUp()
    this.directory.get(id).suspend()
  }

  resume(id: string): void {
    this.directory.get(id).resume()
  }

  async replaceState(id: string, next: unknown, options: ReplaceOptions = {}): Promise<number> {
    this.mustBeUp()
    const timeout = decideTimeout(options.timeout)
    const server = this.directory.get(id)
    if (server.protocol.name === SUPERVISOR) {
      throw new GenServerError('invalid_request', `${id} is a supervisor: its state is its children, so ask it instead`)
    }
    const make = typeof next === 'function' ? fromFunction(server, next as MakeState) : fromValue(server, next)
    const call = new Call(server, 'replaceState', null, timeout, options.origin, options.ifMatch)
    const { deadlines, scheduler } = this.node
    deadlines.add(call, this.node.tick())
    server.replaceState(call, make)
    if (!scheduler.busy) deadlines.enterLanes()
    await call.response
    return call.revision as number
  }

  async changeCode(name: string, definition: NewDefinition, options: CodeChangeOptions = {}): Promise<CodeChanged> {
    const { dryRun = false, timeout, signal, agreed } = options
    this.mustBeUp()
    const patience = new Patience(this.node.clock, decideTimeout(timeout))
    const gone = () => patience.giveUp(timedOut(`whoever wanted ${name} changed is gone`, 'none'))
    signal?.addEventListener('abort', gone)
    this.#patiences.add(patience)
    const before = this.#codeChanged
    const change = this.#changeCodeInTurn(before, name, definition, { dryRun, agreed }, patience)
    this.#codeChanged = Promise.allSettled([before, change])
    try {
      return await change
    } finally {
      patience.close()
      signal?.removeEventListener('abort', gone)
      this.#patiences.delete(patience)
    }
  }

  async #changeCodeInTurn(
    before: Promise<unknown>,
    name: string,
    definition: NewDefinition,
    { dryRun, agreed }: Pick<CodeChangeOptions, 'dryRun' | 'agreed'>,
    patience: Patience,
  ): Promise<CodeChanged> {
    await patience.wait(before, () => tooLate(name, patience, 'another change of code still went on'))
    const from = this.protocol(name)
    const given =
      typeof definition === 'function'
        ? await patience.wait(definition(), () => tooLate(name, patience, 'its new definition was not there'))
        : definition
    const to = this.#admit(name, given)
    const isDurable = to.definition.durable === true
    if (isDurable !== (from.definition.durable === true)) {
      throw new BadDefinition(`${name}: that it is durable, or is not, cannot change while it runs`)
    }
    const kept = isDurable ? this.keptStates : undefined
    const change = new CodeChange(from, to, this.directory, this.node, patience, kept)
    if (dryRun) return await change.preview()
    this.#codeChange = change
    try {
      if (kept !== undefined) {
        await patience.wait(kept.writeBack.stop(), () => tooLate(name, patience, 'states were still written back'))
      }
      const changed = await change.run(() => this.useProtocol(to), agreed)
      await kept?.whenKept((error) => notAllKept(changed, error))
      return changed
    } finally {
      this.#codeChange = undefined
      kept?.writeBack.begin()
    }
  }

  protected override made(server: Server): void {
    this.#codeChange?.holdBack(server)
  }

  /** Changes of code that go on or wait are not done. */
  protected giveUpCodeChanges(reason: Error): void {
    for (const patience of this.#patiences) patience.giveUp(reason)
  }

  #admit(name: string, definition: AnyDefinition): Protocol {
    try {
      return admit(name, definition, this.node.commits !== undefined)
    } catch (error) {
      throw new BadDefinition((error as Error).message, { cause: error })
    }
  }

  trace(id: string, listener: TraceListener, name: unknown = listener): () => void {
    const server = this.directory.get(id)
    server.tracer ??= new Tracer(server)
    return server.tracer.install(name, listener)
  }

  untrace(id: string): void {
    this.directory.get(id).tracer?.clear()
  }

  crashes(id: string): CrashRecord[] {
    if (this.directory.exits.get(id) === undefined) this.directory.get(id)
    return [...this.node.crashes.get(id)].reverse()
  }
}

/** What is true of a change that was done, and of which something could not be kept. */
function notAllKept({ implementation, to }: CodeChanged, error: Error): GenServerError {
  const what = `${implementation} runs version ${to} from now on, and not all states could be kept in its form`
  return new GenServerError('storage_failed', `${what}: ${error.message}`, { effect: 'unknown', retryAfter: 1 })
}

function tooLate(name: string, { timeout }: Patience, why: string): GenServerError {
  return new GenServerError('code_change_failed', `${name} was not changed: ${why} after ${timeout} ms`)
}

type MakeState = (state: object) => unknown

function fromValue({ id, protocol, committed }: Server, value: unknown): (state: object) => object {
  const checked = protocol.checkState(value)
  mustBeJson(id, committed)
  return (state) => {
    mustBeJson(id, state)
    return checked
  }
}

function fromFunction({ protocol }: Server, next: MakeState): (state: object) => object {
  return (state) => {
    let made: unknown
    try {
      made = next(state)
    } catch (thrown) {
      throw new CallbackFailed(thrown)
    }
    return isJson(state) ? protocol.checkState(made) : copyOdd(made)
  }
}

/** A copy of a state for which JSON has no form, nor its schema a way to check it. */
function copyOdd(made: unknown): object {
  try {
    const copy: unknown = structuredClone(made)
    if (typeof copy === 'object' && isDraftable(copy)) return copy as object
  } catch {
    // It holds what cannot be copied.
  }
  throw refusedState([{ path: '', message: 'Expected an object, array, Map or Set' }])
}
