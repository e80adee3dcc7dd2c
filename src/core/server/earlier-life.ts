/** What a server brings with it that has lost its node. */
import type { Reason } from '../kernel/reason.js'

export interface EarlierLife {
  readonly incarnation: number
  readonly revision: number
  readonly restarts: number
  readonly lastExit: { readonly reason: Reason; readonly at: number }
}
