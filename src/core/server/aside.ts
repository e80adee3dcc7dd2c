/** What a server sets aside for itself, to be handled before its mailbox. */
import type { Json } from '../kernel/json.js'

export type Aside =
  /** The second step of a handler that succeeded (OTP: `{continue, Continue}`). */
  | { readonly kind: 'continue'; readonly message: string; readonly args: Json }
  /** A `readOnly` handler failed while others ran: the server crashes when it has finished its current message. */
  | { readonly kind: 'crash'; readonly message: string; readonly thrown: unknown }
