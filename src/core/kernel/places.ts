/** The places of all mailboxes of a node together: what waits is bounded, however many servers there are for it to wait for. */
export class Places {
  /** Messages that wait, or are about to. */
  taken = 0

  constructor(readonly most: number) {}

  take(): boolean {
    if (this.taken >= this.most) return false
    this.taken++
    return true
  }

  give(): void {
    this.taken--
  }
}
