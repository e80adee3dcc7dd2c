/** Casts that crashed their durable server too often: they are set aside, and wait here for somebody to decide. */

import type { DeadLetterInfo, DeadLetterPage } from '../definition/info.js'
import { restoredMessage } from '../durable/kept-text.js'
import { storageFailed } from '../durable/storage-failed.js'
import { GenServerError } from '../kernel/errors.js'
import type { Json } from '../kernel/json.js'
import type { DeadLetter } from '../kernel/kept.js'
import type { Reason } from '../kernel/reason.js'
import type { Store } from '../kernel/store.js'
import { checkAgain } from '../server/sending.js'
import type { Server } from '../server/server.js'
import type { DeadLetterOptions } from './keeping.js'

export class DeadLetters {
  constructor(
    private readonly store: Store | undefined,
    /** @throws {GenServerError} `unknown_server`, `server_exited` */
    private readonly mustBeThere: (id: string) => unknown,
  ) {}

  /** @throws {GenServerError} `unknown_server`, `server_exited`, `storage_failed` */
  async list(id: string, { limit = 100, after = '0' }: DeadLetterOptions): Promise<DeadLetterPage> {
    this.mustBeThere(id)
    const letters = await this.#letters(id, after, limit)
    const next = letters.length < limit ? undefined : letters.at(-1)?.seq
    return { deadLetters: letters.map(described), ...(next !== undefined && { next: String(next) }) }
  }

  /** It goes to its server again, behind all that waits. @throws {GenServerError} also `unknown_dead_letter`, `unknown_message`, `invalid_args` */
  async replay(id: string, ref: string, find: (id: string) => Server): Promise<void> {
    const letter = await this.#find(id, ref)
    const to = find(id)
    const refusal = checkAgain(to.protocol, restoredMessage(to, letter))
    if (refusal !== undefined) throw refusal
    const [seq] = await this.#commit(id, { kind: 'letterReplayed', seq: letter.seq })
    // Somebody else was faster.
    if (!seq) throw unknownLetter(id, ref)
    to.acceptKept(restoredMessage(to, letter), seq)
  }

  async discard(id: string, ref: string): Promise<void> {
    const { seq } = await this.#find(id, ref)
    await this.#commit(id, { kind: 'letterDiscarded', seq })
  }

  async #find(id: string, ref: string): Promise<DeadLetter> {
    this.mustBeThere(id)
    const seq = /^[1-9]\d{0,14}$/.test(ref) ? Number(ref) : 0
    const [letter] = seq === 0 ? [] : await this.#letters(id, String(seq - 1), 1)
    if (letter?.seq !== seq) throw unknownLetter(id, ref)
    return letter
  }

  async #letters(id: string, after: string, limit: number): Promise<readonly DeadLetter[]> {
    try {
      return (await this.store?.deadLetters(id, { after, limit })) ?? []
    } catch (error) {
      throw storageFailed(id, error as Error)
    }
  }

  async #commit(
    id: string,
    change: { readonly kind: 'letterReplayed' | 'letterDiscarded'; readonly seq: number },
  ): Promise<readonly number[]> {
    try {
      return await (this.store as Store).commit([change])
    } catch (error) {
      throw storageFailed(id, error as Error)
    }
  }
}

function described({ seq, message, args, attempts, at, reason }: DeadLetter): DeadLetterInfo {
  return {
    ref: String(seq),
    message,
    args: JSON.parse(args) as Json,
    attempts,
    at: new Date(at).toISOString(),
    reason: JSON.parse(reason) as Reason,
  }
}

function unknownLetter(id: string, ref: string): GenServerError {
  return new GenServerError('unknown_dead_letter', `${id} has no dead letter ${ref}`)
}
