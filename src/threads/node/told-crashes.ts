/** What is kept of the crashes in a thread: the gateway's thread keeps it, so that it can be read while this one is stuck, or lost. */
import { type CrashRecord, CrashRecords } from '../../adapters.js'
import type { Channel } from '../wire/channel.js'
import type { FromNode } from '../wire/messages.js'

export class ToldCrashes extends CrashRecords {
  constructor(private readonly channel: Channel<FromNode>) {
    super()
  }

  override add(id: string, record: CrashRecord): void {
    this.channel.say({ kind: 'crashed', id, record })
  }
}
