/**
 * The gate: how the effects of a turn leave. For a server in memory it is always open. Nothing that others can see leaves a durable
 * one before what it depends on is kept; what concerns only itself (`OWN`) takes hold at once, since its next turn builds on it.
 */
import type { Json } from '../kernel/json.js'
import { crashReason } from '../kernel/reason.js'
import type { Transport } from '../kernel/transport.js'
import type { Effect } from './effects.js'
import type { IdleTimeout } from './idle-timeout.js'
import type { Self } from './peers.js'
import { checkAgain, infoCheck } from './sending.js'

/** The server whose effects leave. */
export interface Source extends Self {
  readonly revision: number
  /** How many replies its handlers gave. */
  replies: number
  readonly idleTimeout: IdleTimeout
  /** How many promises it waits for the results of. */
  pipes: number
  /** Changes when the state is given up: what belonged to the old one must not reach the new one. */
  readonly lineage: number
  continueWith(name: string, args: unknown): void
  deliverInfo(message: string, args: unknown): void
  /** The server crashes when it has finished its current message. */
  crashNext(message: string, thrown: unknown): void
  tell(event: string, data: unknown): void
}

/** Lets the effects of a turn that succeeded out, in the order in which they were made. */
export function release(
  source: Source,
  effects: readonly Effect[],
  transport: Transport,
  revision = source.revision,
): void {
  // Who hears an event may end the server. What it says to others leaves in any case; what it keeps for itself would stay.
  for (const effect of effects)
    if (!source.ended || FOR_OTHERS.has(effect.kind)) perform(source, effect, transport, revision)
}

const FOR_OTHERS: ReadonlySet<Effect['kind']> = new Set(['send', 'reply', 'exit', 'publish'])

/** Nobody but the server itself can see them. */
export const OWN: ReadonlySet<Effect['kind']> = new Set([
  ...(['continue', 'timer', 'cancelTimer', 'idleTimeout', 'trapExit', 'pipe'] as const),
])

function perform(source: Source, effect: Effect, transport: Transport, revision: number): void {
  switch (effect.kind) {
    case 'send':
      send(source, effect, transport)
      break
    case 'reply':
      source.replies++
      effect.call.answer(effect.reply, revision)
      break
    case 'continue':
      source.continueWith(effect.name, effect.args)
      break
    case 'timer':
      source.timers.send(effect.ref, effect.ms, effect.message, effect.args)
      break
    case 'cancelTimer':
      source.timers.cancel(effect.ref)
      break
    case 'idleTimeout':
      source.idleTimeout.arm(effect.ms)
      break
    case 'link':
      source.ties.link(effect.id)
      break
    case 'unlink':
      source.ties.unlink(effect.id)
      break
    case 'monitor':
      source.ties.monitor(effect.ref, effect.id)
      break
    case 'demonitor':
      source.ties.demonitor(effect.ref)
      break
    case 'trapExit':
      source.ties.trapsExits = effect.on
      break
    case 'exit':
      source.ties.exit(effect.id, effect.reason)
      break
    case 'publish':
      source.tell(effect.event, effect.data)
      break
    case 'pipe':
      pipe(source, effect.promise, effect.message)
  }
}

/** The code of the receiver may have changed since the message was made. */
function send(
  { id, node }: Source,
  { to, envelope, checkedFor }: Extract<Effect, { kind: 'send' }>,
  transport: Transport,
): void {
  const refusal = to.protocol === checkedFor ? undefined : checkAgain(to.protocol, envelope)
  if (refusal === undefined) {
    transport.deliver(to, envelope)
    return
  }
  to.mailbox.release()
  // The store has it.
  if (envelope.receipt !== undefined && to.refuse !== undefined) to.refuse(envelope, refusal)
  else node.logger.warn({ server: id, to: to.id, message: envelope.message }, `dropped: ${refusal.message}`)
}

/**
 * Brings what becomes of `promise`: `{ value }` or `{ error }`. An info that is declared takes what its schema says; a
 * result that does not fit is an error, and one that is not expected is a bug like any other.
 */
function pipe(source: Source, promise: Promise<unknown>, message: string): void {
  const { lineage } = source
  const check = (value: unknown) => infoCheck(source.protocol, message)(value)
  source.pipes++
  const bring = (args: Json) => {
    source.pipes--
    if (source.lineage === lineage) source.deliverInfo(message, args)
  }
  const fail = (thrown: unknown) => {
    source.pipes--
    if (source.lineage === lineage) source.crashNext(message, thrown)
  }
  const explain = (thrown: unknown) => {
    try {
      return check(crashReason(thrown))
    } catch {
      throw thrown
    }
  }
  promise
    .then((value) => check({ value: value ?? null }))
    .catch(explain)
    .then(bring, fail)
}
