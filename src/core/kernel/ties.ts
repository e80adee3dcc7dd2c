/**
 * The ties of one process: its links and monitors, and what exit signals do to it (OTP: `link/1`, `monitor/2`, `exit/2`,
 * `process_flag(trap_exit)`). They belong to one life: who is tied to a process hears of its death once, and then is tied
 * to it no more, whatever comes back under its id.
 *
 * 1. A link joins two processes both ways, however often it is made. A monitor looks one way; several are independent.
 * 2. A signal is nothing that waits in the mailbox. Who does not trap exits dies of it, unless its reason is `normal`; who
 *    does gets an `EXIT` in its turn. An end of the parent is an order to stop, and no `EXIT`.
 * 3. After `demonitor` no `DOWN` comes, also where one was waiting in the mailbox.
 * 4. All ties of a process are gone before anybody is told of its death, so that who is told finds none.
 * 5. Each end of a tie keeps it. What one end tells the other is `joined`, `parted`, `watchedBy`, `unwatchedBy`, `exitSignal`,
 *    `linkDied` and `down`: for a process that is elsewhere somebody may carry them there.
 */
import { type Envelope, Info, StopOrder } from './envelope.js'
import type { Mailbox } from './mailbox.js'
import type { Reason } from './reason.js'

/** How a process died, as those hear who are tied to it. */
export interface Death {
  readonly id: string
  /** Which life of the id it was. */
  readonly incarnation: number
  /** `noproc`: there was no such process. */
  readonly reason: Reason
  /** The id stays taken: the same server comes back as a new incarnation. */
  readonly restarting: boolean
}

/** A process that can be tied to others. */
export interface Tied {
  readonly id: string
  readonly incarnation: number
  readonly ended: boolean
  readonly mailbox: Mailbox
  readonly ties: Ties
  put(envelope: Envelope): void
  /** `order` is one of its parent. */
  heed(order: StopOrder): void
  /** Takes no further message, and dies without `terminate` when whatever runs right now has returned. */
  die(reason: Reason): void
}

export class Ties {
  trapsExits = false
  /** Who started it and is linked to it from the first moment (OTP: `start_link`). */
  #parent: Tied | undefined = undefined
  #isSupervised = false
  protected readonly links = new Set<Tied>()
  /** Who monitors this process, by the reference of the monitor. */
  readonly #watchers = new Map<string, Tied>()
  /** Whom this process monitors. */
  readonly #watched = new Map<string, Tied>()
  /** Each `DOWN` that waits in the mailbox. */
  readonly #downs = new Map<string, Info>()

  constructor(
    protected readonly self: Tied,
    private readonly find: (id: string) => Tied | undefined,
  ) {}

  /** Nobody is tied to it, and it to nobody; its supervisor does not count. */
  get areNone(): boolean {
    const supervisor = this.#isSupervised ? this.#parent : undefined
    const own = supervisor !== undefined && this.links.has(supervisor) ? 1 : 0
    return this.#parent === supervisor && this.links.size + this.#watchers.size + this.#watched.size === own
  }

  /** `isSupervised`: the parent is a supervisor, which has to hear of the death in any case: this link cannot be undone from here. */
  linkToParent(parent: Tied, isSupervised = false): void {
    this.#parent = parent
    this.#isSupervised = isSupervised
    this.#join(parent)
  }

  link(id: string): void {
    const to = this.find(id)
    if (to === undefined) this.exitSignal(nobody(id))
    else if (to !== this.self) this.#join(to)
  }

  #join(to: Tied): void {
    this.links.add(to)
    to.ties.joined(this.self)
  }

  joined(by: Tied): void {
    this.links.add(by)
  }

  unlink(id: string): void {
    const to = this.find(id)
    if (to === undefined || (this.#isSupervised && to === this.#parent)) return
    this.#part(to)
  }

  #part(to: Tied): void {
    this.links.delete(to)
    to.ties.parted(this.self)
  }

  /** Its parent and it hear of each other no more. */
  leaveParent(): void {
    const parent = this.#parent
    this.#parent = undefined
    if (parent !== undefined) this.#part(parent)
  }

  parted(by: Tied): void {
    this.links.delete(by)
  }

  monitor(ref: string, id: string): void {
    const to = this.find(id)
    if (to === undefined) {
      this.down(ref, nobody(id))
    } else {
      this.#watched.set(ref, to)
      to.ties.watchedBy(ref, this.self)
    }
  }

  watchedBy(ref: string, watcher: Tied): void {
    this.#watchers.set(ref, watcher)
  }

  unwatchedBy(ref: string): void {
    this.#watchers.delete(ref)
  }

  demonitor(ref: string): void {
    this.#forgetWatched(ref)
    const down = this.#downs.get(ref)
    if (down === undefined) return
    this.self.mailbox.remove(down)
    this.#downs.delete(ref)
  }

  /** A `DOWN` is taken from the mailbox: it is too late to call it back. */
  downTaken(down: Info): void {
    const { ref } = down.args as unknown as { readonly ref: string }
    if (this.#downs.get(ref) === down) this.#downs.delete(ref)
  }

  /** Sends an exit signal to the process with this id, if there is one. `kill` cannot be trapped. */
  exit(id: string, reason: Reason): void {
    const to = this.find(id)
    if (reason === 'kill') to?.die('killed')
    else to?.ties.exitSignal({ id: this.self.id, incarnation: this.self.incarnation, reason, restarting: false })
  }

  /** The process that `from` names wants this one to end, or does not exist. */
  exitSignal(from: Death): void {
    if (this.trapsExits) this.self.put(info('EXIT', from))
    else if (from.reason !== 'normal' || from.id === this.self.id) this.self.die(from.reason)
  }

  /** This life is over. */
  died(reason: Reason, restarting: boolean): void {
    const { id, incarnation, mailbox } = this.self
    const death = { id, incarnation, reason, restarting }
    const links = [...this.links]
    // Who monitors itself is none: its next life need not hear of the last.
    const watchers = [...this.#watchers].filter(([, watcher]) => watcher !== this.self)
    for (const linked of links) {
      this.links.delete(linked)
      linked.ties.links.delete(this.self)
    }
    for (const [ref, watcher] of watchers) watcher.ties.#forgetWatched(ref)
    this.#watchers.clear()
    for (const ref of [...this.#watched.keys()]) this.#forgetWatched(ref)
    // What the monitors of this life have brought is not for the next one.
    for (const down of this.#downs.values()) mailbox.remove(down)
    this.#downs.clear()
    this.#parent = undefined
    for (const linked of links) linked.ties.linkDied(this.self, death)
    for (const [ref, watcher] of watchers) watcher.ties.down(ref, death)
  }

  linkDied(by: Tied, death: Death): void {
    const { reason } = death
    if (!this.trapsExits) {
      if (reason !== 'normal') this.self.die(reason)
    } else if (by === this.#parent) {
      const order = new StopOrder(reason, undefined, () => {})
      this.self.heed(order)
      this.self.put(order)
    } else this.self.put(info('EXIT', death))
  }

  /** Whom it monitors by this reference has died. */
  down(ref: string, death: Death): void {
    this.#watched.delete(ref)
    const down = info('DOWN', { ref, ...death })
    this.#downs.set(ref, down)
    this.self.put(down)
  }

  /** The one with this id, on another node, has died to which this one is linked. */
  linkedDied(death: Death): void {
    for (const linked of [...this.links]) {
      if (linked.id !== death.id) continue
      this.links.delete(linked)
      linked.ties.links.delete(this.self)
      this.linkDied(linked, death)
    }
  }

  #forgetWatched(ref: string): void {
    const to = this.#watched.get(ref)
    if (to === undefined) return
    this.#watched.delete(ref)
    to.ties.unwatchedBy(ref)
  }
}

/** What they hear who are tied to nobody. */
export function nobody(id: string): Death {
  return { id, incarnation: 0, reason: 'noproc', restarting: false }
}

/** Signals always get through, so what they bring is not bounded. */
function info(message: 'EXIT' | 'DOWN', args: object): Info {
  return new Info(message, args as Info['args'], false)
}
