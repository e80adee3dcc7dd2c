/** Logs where the gateway logs: what a thread writes itself would be lost with it. */
import type { Logger } from '../../index.js'
import type { Channel } from '../wire/channel.js'
import type { FromNode, Logged } from '../wire/messages.js'

export function threadLogger(channel: Channel<FromNode>, bound: object = {}): Logger {
  const at =
    (level: Logged['level']) =>
    (fields: object, message?: string): void =>
      channel.say({ kind: 'log', level, fields: plain({ ...bound, ...fields }), message })
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => threadLogger(channel, { ...bound, ...fields }),
  }
}

/** What an author logs may hold what cannot be cloned. */
function plain(fields: object): object {
  try {
    return structuredClone(fields)
  } catch {
    return { fields: 'something that cannot be shown' }
  }
}
