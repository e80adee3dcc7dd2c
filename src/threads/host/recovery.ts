/**
 * What becomes of the servers of a thread that is lost, and of what was asked of them (the ordinary rules of a restart, where
 * nothing is left but what the gateway knows).
 *
 * 1. The memory of the thread is gone: a server begins again from its `init`. Children begin again when their supervisor does.
 * 2. The server whose message the thread was running is charged, and no other. If it was running none: the one whose message was under
 *    way, or else the one that was taken last. If that is a child that begins again only with its supervisor: the top of its tree.
 * 3. What was taken is not run again: its caller hears that the server was killed. What was not waits for the next life, and a
 *    start that had not begun for the next thread, as does who looks or watches. What the thread was looking at is not looked at
 *    again either.
 * 4. A durable server goes on with what is kept, and is not given up. What it did last may be kept or not, and so may a cast whose
 *    sender has no answer; one that was accepted comes out of the store.
 * 5. A durable child goes on, whatever becomes of its supervisor, which takes it in when it begins again.
 */
import {
  type CrashRecords,
  comesBack,
  type EarlierLife,
  type Exit,
  exitFailure,
  LONGEST_DELAY,
  type RootKeeper,
  type ServerTerms,
  SUPERVISOR,
  shuttingDown,
} from '../../adapters.js'
import type { Clock, Logger, Origin, StartOptions } from '../../index.js'
import { uncarry } from '../wire/carried-failure.js'
import type { Asker } from '../wire/channel.js'
import type { Ask, CallMessage, CastMessage, Lost, ToNode } from '../wire/messages.js'
import type { Activity } from './activity.js'
import { COMES_BACK, ENDS, MAY_BE_KEPT, mayLookAgain } from './asked-again.js'
import type { KeptServers } from './kept-servers.js'
import { isAsleep, isStopping, isYetToCome, knownOf } from './last-seen.js'
import type { Lives } from './lives.js'
import { done, fail, KILLED, killed, killedInit, lostGroup, lostNode } from './lost-answers.js'
import type { Place } from './place.js'
import type { Places } from './places.js'
import type { OpenQuestion, Remains, ThreadNode } from './thread-node.js'

interface RecoveryTerms {
  readonly places: Places
  readonly lives: Lives
  readonly crashes: CrashRecords
  readonly keeper: RootKeeper
  readonly kept: KeptServers
  readonly logger: Logger
  readonly clock: Clock
  readonly nodes: () => readonly ThreadNode[]
}

export class Recovery {
  constructor(private readonly terms: RecoveryTerms) {}

  /**
   * Says to the next generation of the node, which comes or has come, what is to go on there. `silent`: for how many milliseconds the
   * last one had shown no sign of life.
   */
  recover(node: ThreadNode, remains: Remains, silent: number): void {
    const { open, activity } = remains
    const there = this.terms.places.on(node)
    const busy = this.#upFrom(activity?.server)
    for (const place of busy) if (isStopping(place, activity, open)) place.isDoomed = true
    this.#knowAgain(node, there.filter(isAsleep))
    const awake = there.filter((place) => !isAsleep(place) && !isYetToCome(place, activity))
    const culprit = activity?.phase === 'heard' ? undefined : awake.find(({ id }) => id === activity?.server) // 2
    if (culprit !== undefined) this.#record(culprit, activity as Activity, open)
    const charged = culprit?.bond === undefined ? busy.at(-1) : culprit
    const fates = awake.map((place) => {
      return { place, delay: this.#delayOf(place, culprit && place === charged ? silent : undefined) }
    })
    const servers = fates.map(({ place: { id, incarnation }, delay }) => {
      return { id, incarnation, restarting: delay !== undefined }
    })
    this.#tellOthers(node, { kind: 'lost', servers })
    // A supervisor that begins again finds those that it is to take in.
    const isBound = ({ place }: { place: Place }) => place.bond !== undefined
    const gone = new Set<string | undefined>([undefined])
    for (const { place, delay } of [...fates.filter(isBound), ...fates.filter((fate) => !isBound(fate))]) {
      if (delay === undefined) {
        this.#forget(place, gone)
        this.#end(place)
      } else this.#adopt(place, delay)
    }
    for (const question of open) if (question.asker.isOver !== true) this.#goOn(node, question, there, remains) // 3
  }

  /** The server, its supervisor, and so on up to the top of the tree. */
  #upFrom(id: string | undefined): Place[] {
    const up = new Set<Place>()
    // Of two that have just ended, and whose ids have gone to others, one may seem to be above the other.
    for (let next = this.#find(id); next !== undefined && !up.has(next); next = this.#find(next.supervisor))
      up.add(next)
    return [...up]
  }

  #find(id: string | undefined): Place | undefined {
    return id === undefined ? undefined : this.terms.places.find(id)
  }

  /** What can be told of a message that cost its thread. */
  #record(place: Place, { kind, message }: Activity, open: Remains['open']): void {
    const { id, incarnation, revision, hasBegun } = place
    // A server whose first `init` has failed leaves no trace.
    if (!hasBegun) return
    const at = this.terms.clock.now()
    // What was taken earlier may not have been swept yet.
    const asked = open.findLast(
      ({ said, isTaken }) => isTaken && isMessage(said) && said.to === id && said.message === message,
    )
    const { origin } = (asked?.said ?? {}) as { readonly origin?: Origin }
    place.crashed(KILLED, at)
    this.terms.crashes.add(id, {
      ...{ at: new Date(at).toISOString(), incarnation, revision, kind, message },
      ...{ args: null, reason: KILLED, stack: null, state: null, log: [] },
      ...(origin?.requestId !== undefined && { requestId: origin.requestId }),
    })
  }

  #goOn(node: ThreadNode, question: OpenQuestion, there: readonly Place[], remains: Remains): void {
    const { said, asker, isTaken, isAccepted } = question
    if (isMessage(said)) {
      const place = this.terms.places.find(said.to)
      const mayBeKept = place !== undefined && this.terms.kept.isDurable(place)
      if (isTaken) fail(question, killed(said, mayBeKept ? 'unknown' : 'none'))
      else if (mayBeKept && said.kind === 'cast') fail(question, killed(said, 'unknown'))
      else if (this.#placeOn(node, said.to) === undefined)
        fail(question, exitFailure(said.to, KILLED, this.terms.clock.now()))
      else node.carry(isAccepted ? this.#sender(said) : asker, said)
    } else if (mayLookAgain(question, remains)) node.channel.question(asker, (n) => ({ ...said, n }))
    else if (said.kind === 'ask') this.#askAgain(node, question, said, there)
    else if ('n' in said) fail(question, lostNode(node, 'none'))
  }

  /** Nobody comes after them: whoever waits hears that it is over. */
  giveUp({ open }: Remains): void {
    for (const question of open) {
      const { said, isTaken } = question
      if (said.kind === 'ask' && ENDS.has(said.what)) done(question)
      else if (!isMessage(said)) fail(question, shuttingDown())
      else if (isTaken) fail(question, killed(said, 'unknown'))
      else fail(question, exitFailure(said.to, KILLED, this.terms.clock.now()))
    }
  }

  /** Nothing of them was in the memory of the node: they are there again as they were. */
  #knowAgain(node: ThreadNode, asleep: readonly Place[]): void {
    if (asleep.length === 0) return
    const known = asleep.map(knownOf)
    node.ask('know', known).catch((error) => this.terms.logger.error({ err: error }, 'what is kept is not known again'))
  }

  /** Its next life begins on the next generation of its node. */
  #adopt(place: Place, delay: number): void {
    const { implementation, args, incarnation, id, restarts, crashes } = place
    const terms = place.terms as ServerTerms
    const at = this.terms.clock.now()
    const lastExit = { reason: KILLED, at }
    place.lastExit = lastExit
    place.isAway = true
    const { labels, mailbox, restart, restartFrom, shutdown } = terms
    const options = { id, labels, mailbox, restart, restartFrom, shutdown }
    place.restarts++
    const isDurable = this.terms.kept.isDurable(place)
    if (!isDurable) place.revision = place.nextRevision
    const { revision, startedAt = at } = place
    const life: EarlierLife = { startedAt, incarnation, revision, restarts, crashes, lastExit }
    const begun = isDurable
      ? place.node.ask('bringBack', knownOf(place), delay)
      : implementation === SUPERVISOR
        ? place.node.ask('adoptSupervisor', args, options, life, delay)
        : place.node.ask('adopt', implementation, args, options, life, delay)
    begun.catch((error) => {
      this.terms.logger.error({ server: id, err: error }, 'a server could not be started again')
      // What is kept of it stays, for a time when it can.
      if (isDurable) this.#leave(place, undefined)
      else this.#end(place)
    })
  }

  /** Milliseconds until its next life; `undefined`: it has none. `held`: for how long it held its thread up, if that is its fault. */
  #delayOf(place: Place, held: number | undefined): number | undefined {
    const { terms, supervisor, hasBegun, isDoomed, bond } = place
    if (terms === undefined || !hasBegun || isDoomed) return undefined
    if (bond === undefined && supervisor !== undefined) return undefined // 1
    if (bond === undefined && !comesBack(terms.restart, KILLED)) return undefined // 5
    if (held === undefined) return 0
    const delay = this.#charge(place, held)
    if (delay === undefined && this.terms.kept.isDurable(place)) return LONGEST_DELAY // 4
    if (delay === undefined) {
      this.terms.logger.error({ server: place.id }, `${place.id} has cost its node too often and is given up`)
    }
    return delay
  }

  /** Time in which it held its thread up, or was away, is no time in which it did well. */
  #charge(place: Place, held: number): number | undefined {
    const { clock, keeper } = this.terms
    place.wasted += held
    const mortal = {
      restart: place.terms?.restart ?? 'transient',
      restartTimes: place.restartTimes,
      uptime: clock.monotonic() - place.wasted,
    }
    const delay = keeper.comeback(mortal, KILLED, 'crashed')
    place.restartTimes = mortal.restartTimes
    place.wasted += delay ?? 0
    return delay
  }

  /** One of a tree is not to be there again, unless it comes with the supervisor that has it. */
  #forget(place: Place, gone: Set<string | undefined>): void {
    if (!place.hasBegun || !(place.isDoomed || gone.has(place.supervisor))) return
    gone.add(place.id)
    const unkept = (err: unknown) => this.terms.logger.error({ server: place.id, err }, 'an end could not be kept')
    this.terms.kept.forget(place).catch(unkept)
  }

  /** One that never began leaves no trace: whoever starts it hears so. */
  #end(place: Place): void {
    const { id, incarnation, hasBegun } = place
    const exit = { id, reason: KILLED, at: this.terms.clock.now(), incarnation, revision: place.nextRevision }
    if (this.terms.kept.isDurable(place)) this.#endKept(place, exit)
    this.#leave(place, hasBegun ? exit : undefined)
  }

  #leave(place: Place, exit: Exit | undefined): void {
    const { places, lives } = this.terms
    const { id } = place
    places.free(place)
    if (exit !== undefined) places.exits.add(exit)
    lives.ended(place, exit)
    // Its own node too: the next generation has been told already who had ended by then.
    for (const node of this.terms.nodes()) node.channel.say({ kind: 'unnamed', id, exit: places.exits.get(id) })
  }

  #endKept({ id, implementation }: Place, exit: Exit): void {
    this.terms.kept
      .ended({ ...exit, implementation, reason: JSON.stringify(exit.reason) })
      .catch((error) => this.terms.logger.error({ server: id, err: error }, 'the end of a server could not be kept'))
  }

  #tellOthers(node: ThreadNode, said: Lost): void {
    for (const other of this.terms.nodes()) if (other !== node) other.channel.say(said)
  }

  /** Nobody waits for a cast that was accepted once. */
  #sender({ to, message, origin }: CallMessage | CastMessage): Asker {
    return {
      answered: (response) => {
        if (response.kind !== 'failed') return
        const { message: why } = uncarry(response.failure)
        this.terms.logger.warn({ server: to, cast: message, ...origin }, `dropped: ${why}`)
      },
    }
  }

  #askAgain(node: ThreadNode, question: OpenQuestion, said: Ask, there: readonly Place[]): void {
    const { what, args } = said
    const first = args[0] as string
    const mayAgain = !question.isHeard // 3
    const again = () => void node.channel.question(question.asker, (n) => ({ ...said, n }))
    if (what === 'start' || what === 'getOrStart') {
      const place = this.#placeOn(node, (args[2] as StartOptions).id)
      // One whose `init` was under way has ended by now.
      const isThere = place?.isUnwanted === false && (what === 'getOrStart' || place.terms === undefined)
      if (isThere && mayAgain) again()
      else fail(question, killedInit(first))
    } else if (COMES_BACK.has(what)) return
    else if (what === 'castGroup' || what === 'callGroup') done(question, lostGroup(there, first, args[1] as string))
    else if (!ENDS.has(what) || !mayAgain)
      fail(question, lostNode(node, mayAgain && MAY_BE_KEPT.has(what) ? 'unknown' : 'none'))
    else if (this.#placeOn(node, first) !== undefined) again()
    else done(question)
  }

  #placeOn(node: ThreadNode, id: string | undefined): Place | undefined {
    const place = this.#find(id)
    return place?.node === node ? place : undefined
  }
}

function isMessage(said: ToNode): said is CallMessage | CastMessage {
  return said.kind === 'call' || said.kind === 'cast'
}
