/** What a server handles before its mailbox. */
import type { Json } from '../kernel/json.js'
import type { First } from '../kernel/process.js'
import type { Replacement } from './replacement.js'

/** The second step of a handler that succeeded (OTP: `{continue, Continue}`). */
interface Continue extends First {
  readonly kind: 'continue'
  readonly message: string
  readonly args: Json
}

/** Something failed beside the turns: the server crashes of it when it has finished its current message. */
interface Crash extends First {
  readonly kind: 'crash'
  readonly message: string
  readonly thrown: unknown
}

export type Urgent = Continue | Crash | Replacement
