/** Hears which messages from elsewhere are over, by their numbers, as whoever tells their senders does. */
import { type Taken, WorkLog } from '../../../src/adapters.js'

export class TicketLog extends WorkLog {
  readonly told: number[] = []

  override add(id: string, taken: Taken, at: number): void {
    super.add(id, taken, at)
    if (taken.kind !== 'call') this.dropped(taken)
  }

  override claims({ ticket = 0 }: Pick<Taken, 'ticket'>): boolean {
    this.dropped({ ticket })
    return true
  }

  override dropped({ ticket = 0 }: Pick<Taken, 'ticket'>): void {
    if (ticket !== 0) this.told.push(ticket)
  }
}
