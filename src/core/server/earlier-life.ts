/** What a server brings with it that has lost its node. */
import type { Lived } from '../definition/past.js'

export interface EarlierLife extends Lived {
  readonly incarnation: number
  readonly revision: number
}
