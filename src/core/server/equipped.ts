/**
 * A process with what few servers ever need: equipment, and a past. Each piece is made when it is first asked for, and all of
 * them lie behind one field, for a server that has none of them is to cost as little as if there were none. Who only looks whether there is one
 * asks for `anyTimers` and the like.
 */

import type { PublishedEvent } from '../definition/info.js'
import { NOTHING_YET, type Past } from '../definition/past.js'
import type { Protocol } from '../definition/protocol.js'
import type { Call } from '../kernel/call.js'
import type { Envelope, StopOrder } from '../kernel/envelope.js'
import type { GenServerError } from '../kernel/errors.js'
import type { Node } from '../kernel/node.js'
import { type Pending, Process } from '../kernel/process.js'
import type { Reason } from '../kernel/reason.js'
import { Ties } from '../kernel/ties.js'
import { Absence } from './absence.js'
import { IdleTimeout } from './idle-timeout.js'
import type { Peers } from './peers.js'
import type { Scope } from './scope.js'
import { Timers } from './timers.js'
import type { Urgent } from './urgent.js'
import { Waiters } from './waiters.js'

type Listener = (event: PublishedEvent) => void

class Equipment {
  timers: Timers | undefined = undefined
  ties: Ties | undefined = undefined
  idleTimeout: IdleTimeout | undefined = undefined
  absence: Absence | undefined = undefined
  waiters: Waiters | undefined = undefined
  /** Turns that only look, and take their time. */
  looks: Set<Scope> | undefined = undefined
  /** Promises whose results it waits for. */
  pipes = 0
  listeners: Set<Listener> | undefined = undefined
  /** The last order of its parent. */
  heeded: StopOrder | undefined = undefined
  /** What comes after the `terminate` that runs, or ran last. */
  afterTerminate: ((final: Reason) => Pending) | undefined = undefined
}

export abstract class Equipped extends Process<Urgent> {
  incarnation = 1
  /** Which state of this server this is: counts those that were given up. */
  lineage = 0
  private past = NOTHING_YET
  private equipment: Equipment | undefined = undefined

  constructor(
    readonly id: string,
    /** Another one after a change of code. */
    public protocol: Protocol,
    readonly peers: Peers,
    node: Node,
    mailboxLimit: number,
  ) {
    super(node, mailboxLimit)
  }

  get isElsewhere(): boolean {
    return false
  }

  /** As `put`, where the time has not been asked for of late. */
  protected putNow(envelope: Envelope): void {
    this.node.tick()
    this.put(envelope)
  }

  abstract startedAt: number
  abstract die(reason: Reason): void
  abstract notTaken(call: Call): GenServerError
  abstract forget(call: Call): void

  protected remember(what: Partial<Past>): void {
    this.past = { ...this.past, ...what }
  }

  get restarts(): number {
    return this.past.restarts
  }

  get crashes(): number {
    return this.past.crashes
  }

  get lastExit(): Past['lastExit'] {
    return this.past.lastExit
  }

  get restartTimes(): readonly number[] {
    return this.past.restartTimes
  }

  set restartTimes(restartTimes: readonly number[]) {
    this.remember({ restartTimes })
  }

  private get equipped(): Equipment {
    this.equipment ??= new Equipment()
    return this.equipment
  }

  /** `order`, which waits in the mailbox or is about to, is one of its parent. */
  heed(order: StopOrder): void {
    this.equipped.heeded = order
  }

  protected override get heeded(): StopOrder | undefined {
    return this.equipment?.heeded
  }

  protected get afterTerminate(): Equipment['afterTerminate'] {
    return this.equipment?.afterTerminate
  }

  protected set afterTerminate(then: Equipment['afterTerminate']) {
    this.equipped.afterTerminate = then
  }

  get timers(): Timers {
    this.equipped.timers ??= this.makeTimers()
    return this.equipped.timers
  }

  protected makeTimers(): Timers {
    return new Timers(this.node.clock, (envelope) => this.putNow(envelope))
  }

  get anyTimers(): Timers | undefined {
    return this.equipment?.timers
  }

  get ties(): Ties {
    this.equipped.ties ??= new Ties(this, (id) => this.peers.find(id))
    return this.equipped.ties
  }

  get anyTies(): Ties | undefined {
    return this.equipment?.ties
  }

  get idleTimeout(): IdleTimeout {
    this.equipped.idleTimeout ??= new IdleTimeout(this.node.clock, this.mailbox, (info) => this.putNow(info))
    return this.equipped.idleTimeout
  }

  protected get anyIdleTimeout(): IdleTimeout | undefined {
    return this.equipment?.idleTimeout
  }

  protected get absence(): Absence {
    this.equipped.absence ??= new Absence(this.node.clock)
    return this.equipped.absence
  }

  protected get anyAbsence(): Absence | undefined {
    return this.equipment?.absence
  }

  protected get waiters(): Waiters {
    this.equipped.waiters ??= new Waiters()
    return this.equipped.waiters
  }

  protected get anyWaiters(): Waiters | undefined {
    return this.equipment?.waiters
  }

  protected get looks(): Set<Scope> {
    this.equipped.looks ??= new Set()
    return this.equipped.looks
  }

  protected get anyLooks(): Set<Scope> | undefined {
    return this.equipment?.looks
  }

  get pipes(): number {
    return this.equipment?.pipes ?? 0
  }

  set pipes(pipes: number) {
    this.equipped.pipes = pipes
  }

  protected get listeners(): Set<Listener> {
    this.equipped.listeners ??= new Set()
    return this.equipped.listeners
  }

  protected get anyListeners(): ReadonlySet<Listener> | undefined {
    return this.equipment?.listeners
  }
}
