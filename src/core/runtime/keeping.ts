/** What a runtime tells of its store. Part of `Runtime` and of `Host`; `kept-runtime.ts` does it. */

import type { Awaitable } from '../definition/definition.js'
import type { IndexedValue } from '../definition/indexes.js'
import type { DeadLetterPage, SeenStatus, ServerPage } from '../definition/info.js'
import type { AnswerKey, KeptAnswer } from '../kernel/kept.js'
import type { Origin } from '../kernel/queued.js'

export interface LaterCall {
  readonly key: AnswerKey
  readonly implementation?: string | undefined
  readonly ifMatch?: number | undefined
  readonly origin?: Origin | undefined
}

export interface DeadLetterOptions {
  /** 1 to 1000, default 100. */
  readonly limit?: number | undefined
  /** The ref of the last one of the page before. */
  readonly after?: string | undefined
}

/** Properties of a state, each with the value that it is to have. */
export type Where = Readonly<Record<string, IndexedValue>>

export interface FindOptions {
  /** Only servers that have this label. */
  readonly label?: string | undefined
  readonly status?: SeenStatus | undefined
  /** 1 to 1000, default 100. */
  readonly limit?: number | undefined
  readonly after?: string | undefined
}

export interface Keeping {
  /** Whether what the server does is kept by a store. */
  isDurable(id: string): boolean
  /** What came of a request that was sent with a `key`, as far as that is kept. @throws {GenServerError} `storage_failed` */
  keptAnswer(named: Pick<AnswerKey, 'scope' | 'key'>): Promise<KeptAnswer | undefined>
  /**
   * Checks a call whose answer is asked for later, and keeps it where its server is durable; it is yet to be sent, with the `seq` that
   * this gives (0: nothing is kept).
   * @throws {GenServerError} as `call` does before it waits, and `storage_failed`
   */
  keepCall(id: string, message: string, args: unknown, options: LaterCall): Promise<number>

  /**
   * The durable servers in whose kept states all of this holds, ordered by id; nobody is woken for that. The properties are among the
   * `indexes` of the implementation. A page may be short, or empty, also where it is not the last.
   *
   * @example const { servers } = await runtime.find('order', { status: 'paid' })
   * @throws {GenServerError} `invalid_request`, `storage_failed`
   */
  find(implementation: string, where: Where, options?: FindOptions): Promise<ServerPage>

  /**
   * The casts that crashed the durable server too often and were set aside, the oldest first.
   * @throws {GenServerError} `unknown_server`, `server_exited`, `storage_failed`
   */
  deadLetters(id: string, options?: DeadLetterOptions): Awaitable<DeadLetterPage>
  /** It goes to its server again, behind all that waits. @throws {GenServerError} also `unknown_dead_letter`, `unknown_message`, `invalid_args` */
  replayDeadLetter(id: string, ref: string): Promise<void>
  /** It is thrown away. @throws {GenServerError} also `unknown_dead_letter` */
  discardDeadLetter(id: string, ref: string): Promise<void>
}
