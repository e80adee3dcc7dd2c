/**
 * What becomes of the servers of a thread that is lost, and of what was asked of them (the ordinary rules of a restart, where
 * nothing is left but what the gateway knows).
 *
 * 1. The memory of the thread is gone: a server begins again from its `init`. Children begin again when their supervisor does.
 * 2. The server whose message was taken last is held to have done it: its restart budget is charged, and nobody else's.
 * 3. What was taken is not run again: its caller hears that the server was killed. What was not waits for the next life.
 */
import { comesBack, exitFailure, type RootKeeper, type ServerTerms } from '../../adapters.js'
import { GenServerError, type Logger } from '../../index.js'
import { carry, uncarry } from '../wire/carried-failure.js'
import type { Asker } from '../wire/channel.js'
import type { Ask, CallMessage, CastMessage, Lost } from '../wire/messages.js'
import type { Lives } from './lives.js'
import type { Place } from './place.js'
import type { Places } from './places.js'
import type { OpenQuestion, Remains, ThreadNode } from './thread-node.js'

const KILLED = 'killed'

interface RecoveryTerms {
  readonly places: Places
  readonly lives: Lives
  readonly keeper: RootKeeper
  readonly logger: Logger
  readonly now: () => number
  readonly monotonic: () => number
  /** All other nodes are to know that the place is free. */
  readonly freed: (place: Place) => void
  /** And what has befallen these. */
  readonly lost: (node: ThreadNode, servers: Lost['servers']) => void
}

export class Recovery {
  constructor(private readonly terms: RecoveryTerms) {}

  /** Says to the next generation of the node, which comes or has come, what is to go on there. */
  recover(node: ThreadNode, { open, lastTaken }: Remains): void {
    const places = this.terms.places.on(node)
    const isInit = places.some(({ hasBegun, terms }) => terms !== undefined && !hasBegun)
    const culprit = isInit ? undefined : lastTaken?.server // 2
    const fates = places.map((place) => ({ place, delay: this.#delayOf(place, place.id === culprit) }))
    this.terms.lost(
      node,
      fates.map(({ place: { id, incarnation }, delay }) => ({ id, incarnation, restarting: delay !== undefined })),
    )
    for (const { place, delay } of fates) {
      if (delay === undefined) this.#end(place)
      else this.#adopt(place, delay)
    }
    for (const question of open) if (question.asker.isOver !== true) this.#goOn(node, question) // 3
  }

  #goOn(node: ThreadNode, question: OpenQuestion): void {
    const { said, asker, isTaken, isKept } = question
    if (said.kind === 'call' || said.kind === 'cast') {
      if (isTaken) fail(question, killed(said))
      else if (this.terms.places.find(said.to)?.node !== node)
        fail(question, exitFailure(said.to, KILLED, this.terms.now()))
      else node.carry(isKept ? this.#sender(said) : asker, said)
    } else if (said.kind === 'ask') this.#askAgain(node, question, said)
    else if ('n' in said) fail(question, lostNode(node))
  }

  /** Nobody comes after them: whoever waits hears that it is over. */
  giveUp({ open }: Remains): void {
    for (const question of open) {
      const { said, isTaken } = question
      if (said.kind !== 'call' && said.kind !== 'cast') done(question)
      else if (isTaken) fail(question, killed(said))
      else fail(question, exitFailure(said.to, KILLED, this.terms.now()))
    }
  }

  /** Its next life begins on the next generation of its node. */
  #adopt(place: Place, delay: number): void {
    const { implementation, args, incarnation, id, restarts } = place
    const terms = place.terms as ServerTerms
    const lastExit = { reason: KILLED, at: this.terms.now() }
    const { labels, mailbox, restart, restartFrom, shutdown } = terms
    const options = { id, labels, mailbox, restart, restartFrom, shutdown }
    const life = { incarnation, revision: place.nextRevision, restarts, lastExit }
    place.restarts++
    place.revision = life.revision
    place.node
      .ask('adopt', implementation, args, options, life, delay)
      .catch((error) => this.terms.logger.error({ server: id, err: error }, 'a server could not be started again'))
  }

  /** Milliseconds until its next life; `undefined`: it has none. */
  #delayOf(place: Place, isCulprit: boolean): number | undefined {
    const { terms, supervisor, hasBegun, isDoomed } = place
    if (terms === undefined || !hasBegun || supervisor !== undefined) return undefined // 1
    if (isDoomed || !comesBack(terms.restart, KILLED)) return undefined
    if (!isCulprit) return 0
    const delay = this.#charge(place)
    if (delay === undefined) {
      this.terms.logger.error({ server: place.id }, `${place.id} has cost its node too often and is given up`)
    }
    return delay
  }

  #charge(place: Place): number | undefined {
    const mortal = {
      restart: place.terms?.restart ?? 'transient',
      restartTimes: place.restartTimes,
      uptime: this.terms.monotonic(),
    }
    const delay = this.terms.keeper.comeback(mortal, KILLED, 'crashed')
    place.restartTimes = mortal.restartTimes
    return delay
  }

  /** One that never began leaves no trace: whoever starts it hears so. */
  #end(place: Place): void {
    const { places, lives, now, freed } = this.terms
    const { id, incarnation, hasBegun: isKnown } = place
    places.free(place)
    const exit = { id, reason: KILLED, at: now(), incarnation, revision: place.nextRevision }
    if (isKnown) places.exits.add(exit)
    lives.ended(place, isKnown ? exit : undefined)
    freed(place)
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

  #askAgain(node: ThreadNode, question: OpenQuestion, { what, args }: Ask): void {
    const id = args[0] as string
    const isThere = this.terms.places.find(id)?.node === node
    if (what === 'start' || what === 'getOrStart') fail(question, killedInit(id))
    else if (what === 'stop' && isThere) node.channel.question(question.asker, (n) => ({ kind: 'ask', n, what, args }))
    else if (what === 'stop' || what === 'kill' || what === 'close') done(question)
    else fail(question, lostNode(node))
  }
}

function fail({ asker, said, isKept }: OpenQuestion, error: Error): void {
  if (isKept) return
  asker.answered({ kind: 'failed', n: 'n' in said ? said.n : 0, failure: carry(error) })
}

function done({ asker, said }: OpenQuestion): void {
  asker.answered({ kind: 'told', n: 'n' in said ? said.n : 0, value: undefined })
}

function killed({ to, message }: CallMessage | CastMessage): GenServerError {
  return new GenServerError('server_crashed', `${to} was killed, with its thread, while it handled ${message}`, {
    reason: KILLED,
  })
}

function killedInit(implementation: string): GenServerError {
  return new GenServerError('init_crashed', `init of ${implementation} was ended: its thread was given up`, {
    reason: KILLED,
  })
}

function lostNode({ name }: ThreadNode): GenServerError {
  return new GenServerError('restarting', `the node ${name} was given up, and begins again`, { retryAfter: 1 })
}
