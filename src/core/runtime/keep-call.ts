/** A call whose answer is asked for later is kept, where its server is durable, before whoever asks hears that it was taken. */

import { outcomeText } from '../durable/outcome.js'
import { storageFailed } from '../durable/storage-failed.js'
import { unknownServer } from '../kernel/errors.js'
import type { Store } from '../kernel/store.js'
import { callOperation, mustHavePlace } from '../server/sending.js'
import type { Server } from '../server/server.js'
import type { LaterCall } from './keeping.js'

/**
 * Checks the call, and gives its number in the store; 0 where nothing is kept. It is yet to be sent.
 * @throws {GenServerError} `unknown_message`, `invalid_args`, `mailbox_full`, `overloaded`, `storage_failed`, and why its server did not begin
 */
export async function keepCall(
  store: Store | undefined,
  to: Server,
  message: string,
  args: unknown,
  { key, ifMatch, origin }: LaterCall,
): Promise<number> {
  const checked = callOperation(to.protocol, message).check(args)
  mustHavePlace(to)
  if (store === undefined || to.protocol.definition.durable !== true) return 0
  await to.begun(Number.POSITIVE_INFINITY)
  const cast = {
    ...{ message, args: JSON.stringify(checked), ifMatch: ifMatch ?? null, attempts: 0 },
    ...{ origin: origin === undefined ? null : JSON.stringify(origin), answerTo: JSON.stringify(key) },
  }
  const answer = { ...key, outcome: outcomeText({ kind: 'running' }) }
  try {
    const [seq = 0] = await store.commit([
      { kind: 'cast', id: to.id, cast },
      { kind: 'answer', answer },
    ])
    if (seq > 0) return seq
  } catch (error) {
    throw storageFailed(to.id, error as Error)
  }
  throw unknownServer(to.id)
}
