/** What a message brings with it that the store knows: how the store is told that it has had its effect. */
import type { Change } from './kept.js'

/** Where the store is told. */
export interface Settlements {
  add(id: string, change: Change): void
  castDone(receipt: CastReceipt): void
}

export interface Receipt {
  /** The message has had its effect, or is not to have one. */
  settle(commits: Settlements): void
}

/** Of a timer that has fired. */
export class TimerReceipt implements Receipt {
  constructor(
    readonly id: string,
    readonly ref: string,
  ) {}

  settle(commits: Settlements): void {
    commits.add(this.id, { kind: 'timerDone', id: this.id, ref: this.ref })
  }
}

/** Of a cast. */
export class CastReceipt implements Receipt {
  /** It comes from the store: nobody knows what became of it when it was taken before, if it was. */
  isOld = false

  constructor(
    /** Of its server. */
    readonly id: string,
    /** How often it was taken, and did not come to its end. */
    public attempts: number,
    /** Its number, once the store has given one. */
    public seq: number | undefined,
  ) {}

  settle(commits: Settlements): void {
    commits.castDone(this)
  }
}
