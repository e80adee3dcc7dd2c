/** At what a thread is, as far as can be known from outside. */
import type { StartOptions } from '../../index.js'
import type { LastTaken } from '../wire/board.js'
import type { ToNode } from '../wire/messages.js'

/** `heard`: it looks at a message that is nobody's yet; what keeps it at that is a schema, and no server has done it. */
export interface At extends Omit<LastTaken, 'phase'> {
  readonly phase: LastTaken['phase'] | 'heard'
}

/** At what a thread is that looks at this question. */
export function heardAt(said: ToNode): At | undefined {
  const phase = 'heard'
  const since = Date.now()
  if (said.kind === 'ask') {
    const { id } = (said.args[2] ?? {}) as StartOptions
    const isStart = said.what === 'start' || said.what === 'getOrStart'
    return isStart && id !== undefined ? { phase, server: id, kind: 'init', message: 'init', since } : undefined
  }
  return 'to' in said && 'message' in said
    ? { phase, server: said.to, kind: said.kind, message: said.message, since }
    : undefined
}
