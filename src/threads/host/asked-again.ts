/** What becomes of all that was asked of a thread that is lost. */
import type { Askable } from '../wire/messages.js'

/** What of servers is to come back is said anew, of each. */
export const COMES_BACK: ReadonlySet<string> = new Set<Askable>(['adopt', 'adoptSupervisor', 'bringBack', 'know'])

/** Nothing is done by them. */
export const LOOKS: ReadonlySet<string> = new Set<Askable>(['info', 'infos', 'list', 'countServers', 'state', 'timers'])

/** Of a durable server: the store may have what was done, and only the answer be lost. */
export const MAY_BE_KEPT: ReadonlySet<string> = new Set<Askable>([
  'keepCall',
  'replaceState',
  'replayDeadLetter',
  'cancelTimer',
])

/** What is done where there is nobody any more. */
export const ENDS: ReadonlySet<string> = new Set<Askable>(['stop', 'kill', 'close'])
