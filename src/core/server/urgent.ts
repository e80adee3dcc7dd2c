/** What a server handles before its mailbox. */
import type { Json } from '../kernel/json.js'

export type Urgent =
  /** The second step of a handler that succeeded (OTP: `{continue, Continue}`). */
  | { readonly kind: 'continue'; readonly message: string; readonly args: Json; takenAt: number }
  /** Something failed beside the turns: the server crashes of it when it has finished its current message. */
  | { readonly kind: 'crash'; readonly message: string; readonly thrown: unknown; takenAt: number }
