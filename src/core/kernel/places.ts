/** The places of all mailboxes of a node together: what waits is bounded, however many servers there are for it to wait for. */
export class Places {
  /** Messages that wait, or are about to. */
  taken = 0
  /** As many bytes as they are known to have. */
  bytes = 0

  constructor(
    readonly most: number,
    /** Whoever comes when so many are taken is refused; one message may go beyond. */
    readonly mostBytes: number,
  ) {}

  take(bytes: number): boolean {
    if (this.taken >= this.most || this.bytes >= this.mostBytes) return false
    this.occupy(bytes)
    return true
  }

  /** Also where there is none. */
  occupy(bytes: number): void {
    this.taken++
    this.bytes += bytes
  }

  give(bytes: number): void {
    this.taken--
    this.bytes -= bytes
  }
}
