/** The other nodes, as a thread sees them: all that it says to them goes by the gateway's thread, which knows where they are. */
import {
  type Backlog,
  Call,
  type CastReceipt,
  checkPlain,
  type Envelope,
  type Exits,
  JsonText,
  type Lived,
  type Neighbours,
  type Protocol,
  type Registered,
} from '../../adapters.js'
import type { Reason, ServerInfo, StartOptions } from '../../index.js'
import { uncarry } from '../wire/carried-failure.js'
import type { Channel } from '../wire/channel.js'
import type { Ended, Named, Unnamed } from '../wire/life-messages.js'
import type { FromNode, Lost, Response, Tie } from '../wire/messages.js'
import { sizeOf } from '../wire/size.js'
import { type Carrier, Outbox, RemoteServer } from './remote-server.js'

export class Elsewhere implements Neighbours, Carrier {
  readonly #servers = new Map<string, RemoteServer>()

  constructor(
    private readonly channel: Channel<FromNode>,
    private readonly exits: Exits,
    private readonly protocols: (implementation: string) => Protocol,
    /** Those of this node. */
    private readonly backlog: () => Backlog,
  ) {}

  named(servers: Named['servers']): void {
    for (const [id, implementation, mailbox] of servers) {
      // One that is known has those with it who are tied to it.
      if (this.#servers.get(id)?.implementation === implementation) continue
      this.#servers.set(id, new RemoteServer(id, implementation, new Outbox(mailbox, this.backlog), this))
    }
  }

  unnamed({ id, exit }: Unnamed): void {
    this.#servers.delete(id)
    if (exit !== undefined) this.exits.add(exit)
  }

  ended(exits: Ended['exits']): void {
    for (const exit of exits) this.exits.add(exit)
  }

  find(id: string): RemoteServer | undefined {
    return this.#servers.get(id)
  }

  protocol(implementation: string): Protocol {
    return this.protocols(implementation)
  }

  claim(id: string, implementation: string, supervisor?: string): Promise<void> {
    return this.channel.ask((n) => ({ kind: 'claim', n, id, implementation, supervisor }))
  }

  unclaim(id: string): void {
    this.channel.say({ kind: 'unclaim', id })
  }

  registered({ id, incarnation, protocol, args, terms, keeper }: Registered): void {
    const { supervisor } = keeper
    this.#servers.delete(id)
    this.channel.say({
      kind: 'registered',
      id,
      implementation: protocol.name,
      // Whoever keeps it will start it again, from what it knows itself.
      args: supervisor === undefined ? args : null,
      terms,
      supervisor,
      incarnation,
    })
  }

  began(id: string, incarnation: number, last: Reason | undefined, lived?: Lived): void {
    // Whoever has lived is a whole server, and only this of it can travel.
    const told = ({ startedAt, restarts, crashes, lastExit }: Lived) => ({ startedAt, restarts, crashes, lastExit })
    this.channel.say({ kind: 'began', id, incarnation, last, lived: lived && told(lived) })
  }

  slept(id: string, isAsleep: boolean): void {
    this.channel.say({ kind: 'slept', id, isAsleep })
  }

  unregistered(id: string, exit: Parameters<Neighbours['unregistered']>[1]): void {
    this.channel.say({ kind: 'unregistered', id, exit })
  }

  async start(implementation: string, given: unknown, options: StartOptions): Promise<ServerInfo> {
    const args = given === undefined ? undefined : checkPlain(given)
    return this.channel.ask((n) => ({ kind: 'startElsewhere', n, implementation, args, options }))
  }

  /** Whether it still waits is known only where it is. */
  waiting(ref: string): Call {
    const nobody = { id: '', waits: undefined, protocol: { calls: new Map() } }
    const call = new Call(nobody as never, '', null, Number.POSITIVE_INFINITY, undefined, undefined)
    call.onSettled = ({ outcome: { reply }, revision = 0 }) =>
      this.channel.say({ kind: 'reply', ref, value: reply, revision })
    return call
  }

  call(to: string, call: Call): void {
    const { message, args, timeout, origin, ifMatch, chain } = call
    const answered = (response: Response) => {
      if (response.kind === 'answer') call.answer(new JsonText(response.reply), response.revision)
      else if (response.kind === 'failed') call.fail(uncarry(response.failure))
    }
    call.ticket = this.channel.question({ answered }, (n) => ({
      kind: 'call',
      ...{ n, to, message, args, timeout, origin, ifMatch, chain, bytes: sizeOf(args) },
    }))
  }

  send(to: string, envelope: Envelope, arrived: () => void): void {
    const asker = { answered: arrived }
    if (envelope.kind === 'cast') {
      const { message, args, origin, receipt } = envelope
      const seq = (receipt as CastReceipt | undefined)?.seq
      this.channel.question(asker, (n) => ({
        kind: 'cast',
        ...{ n, to, message, args, origin, seq, bytes: sizeOf(args) },
      }))
    } else if (envelope.kind === 'info') {
      const { message, args } = envelope
      this.channel.question(asker, (n) => ({
        kind: 'info',
        ...{ n, to, message, args, bytes: sizeOf(args) },
      }))
    }
  }

  tie(to: string, tie: Tie): void {
    this.channel.say({ kind: 'tie', to, tie })
  }

  /** Whoever is tied to them hears of it. */
  lost(servers: Lost['servers']): void {
    for (const { id, incarnation, restarting } of servers) {
      const server = this.#servers.get(id)
      if (server === undefined) continue
      server.incarnation = incarnation
      server.ties.died('killed', restarting)
    }
  }

  abandon({ ticket: n }: Call): void {
    this.channel.say({ kind: 'abandon', n })
  }
}
