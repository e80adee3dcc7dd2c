/** What waits in all mailboxes of a node together: it is bounded, however many servers there are for it to wait for. */
export class Backlog {
  /** Messages that wait, or are about to. */
  length = 0
  /** As many bytes as they are known to have. */
  bytes = 0

  constructor(
    readonly most: number,
    /** Whoever comes when so many wait is refused; one message may go beyond. */
    readonly mostBytes: number,
  ) {}

  take(bytes: number): boolean {
    if (this.length >= this.most || this.bytes >= this.mostBytes) return false
    this.occupy(bytes)
    return true
  }

  /** Also where there is none. */
  occupy(bytes: number): void {
    this.length++
    this.bytes += bytes
  }

  give(bytes: number): void {
    this.length--
    this.bytes -= bytes
  }
}
