/**
 * A server on another node, as those on this one see it: what is sent to it is handed to whoever carries it there. Its mailbox
 * is bounded where it is, so that what it refuses is known only there: a cast that is too much for it is dropped and logged,
 * as one to nobody is.
 *
 * 1. No more casts and sends are on their way to it from here than its mailbox takes; who sends more is refused at once.
 */
import { type Backlog, type Call, type Envelope, Mailbox, type Peer, type Protocol } from '../../adapters.js'
import { GenServerError, type Reason } from '../../index.js'
import type { Tie } from '../wire/messages.js'
import { RemoteTies } from './remote-ties.js'

/** Brings what is sent from here to other nodes. */
export interface Carrier {
  call(to: string, call: Call): void
  /** `arrived` is called when somebody there has it, or it is lost. */
  send(to: string, envelope: Envelope, arrived: () => void): void
  abandon(call: Call): void
  tie(to: string, tie: Tie): void
  protocol(implementation: string): Protocol
}

/** What is on its way to one server: it counts for what waits here. */
export class Outbox extends Mailbox {
  constructor(
    limit: number,
    private readonly backlog: () => Backlog,
  ) {
    super(limit)
  }

  protected override get shared(): Backlog {
    return this.backlog()
  }
}

export class RemoteServer implements Peer {
  readonly isElsewhere = true
  /** Known only when it matters: which life has ended. */
  incarnation = 0
  readonly ended = false
  readonly waits = undefined
  readonly ties: RemoteTies

  constructor(
    readonly id: string,
    readonly implementation: string,
    readonly mailbox: Outbox,
    private readonly carrier: Carrier,
  ) {
    this.ties = new RemoteTies(this, (tie) => carrier.tie(id, tie))
  }

  get protocol(): Protocol {
    return this.carrier.protocol(this.implementation)
  }

  put(envelope: Envelope): void {
    const { mailbox } = this
    const { bounded, bytes } = envelope
    const arrived = () => {
      if (bounded) mailbox.release(bytes)
    }
    if (envelope.kind === 'call') {
      // Somebody waits for it.
      arrived()
      this.carrier.call(this.id, envelope)
    } else this.carrier.send(this.id, envelope, arrived) // 1
  }

  withdraw(call: Call): boolean {
    this.carrier.abandon(call)
    return false
  }

  notTaken(call: Call): GenServerError {
    return new GenServerError('call_timeout', `${this.id} did not answer ${call.message}`, { effect: 'unknown' })
  }

  forget(): void {}

  /** Orders are given where it is. */
  heed(): void {}

  die(reason: Reason): void {
    if (reason === 'killed') this.carrier.tie(this.id, { what: 'kill' })
  }
}
