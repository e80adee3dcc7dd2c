/** When a durable server leaves memory: nobody has asked it for long enough, and the store has all of it. */
import type { ClockTimer } from '../kernel/clock.js'
import { GatedServer } from './gated-server.js'

export abstract class IdleServer extends GatedServer {
  #bedtime: ClockTimer | undefined = undefined

  /** It is not in memory any more. */
  protected abstract fallAsleep(): void

  /** It leaves memory when it has had nothing to do for long enough. */
  protected stayUp(): void {
    const idle = this.terms.idle ?? this.node.idle
    this.activeAt = this.node.clock.monotonic()
    if (idle !== Number.POSITIVE_INFINITY && !this.ended) this.#wait(idle, idle)
  }

  #wait(ms: number, idle: number): void {
    this.#bedtime?.cancel()
    this.#bedtime = this.node.clock.setTimer(ms, () => {
      const left = idle - (this.node.clock.monotonic() - this.activeAt)
      if (left > 0) this.#wait(left, idle)
      else if (this.#canLeave) this.fallAsleep()
      else this.#wait(idle, idle)
    })
    this.#bedtime.unref()
  }

  /** Nobody holds anything of it, and nothing of it is anywhere but in the store. */
  get #canLeave(): boolean {
    const hasNothing =
      this.idle && this.mailbox.reserved === 0 && this.anyWaiters?.areNone !== false && this.pipes === 0
    const isWanted = this.feed?.isWatched || this.anyListeners?.size || this.tracer !== undefined
    const isTied = this.anyTies?.areNone === false || this.anyIdleTimeout?.isArmed
    const isWell = this.status === 'running' && this.hasState && !this.suspended && !this.isEnding
    const isFree = !this.commits.concerns(this.id) && this.node.changing !== this.protocol.name
    return hasNothing && !isWanted && !isTied && isWell && isFree
  }

  protected override halt(): void {
    this.#bedtime?.cancel()
    super.halt()
  }
}
