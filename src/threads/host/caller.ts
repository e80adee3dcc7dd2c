/** The caller of a call that is on another node. */
import { type Call, type Callee, JsonText } from '../../adapters.js'
import { uncarry } from '../wire/carried-failure.js'
import type { Asker } from '../wire/channel.js'
import type { Response } from '../wire/messages.js'

export class Caller implements Asker {
  constructor(private readonly call: Call) {}

  get isOver(): boolean {
    return this.call.settled
  }

  asked(n: number): void {
    this.call.ticket = n
  }

  answered(response: Response): void {
    const { call } = this
    if (response.kind === 'answer') {
      const known = call.to as Callee & { shows(revision: number): void }
      known.shows(response.revision)
      call.answer(new JsonText(response.reply), response.revision)
    } else if (response.kind === 'failed') call.fail(uncarry(response.failure))
  }
}
