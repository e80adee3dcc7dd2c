/** Logs where the gateway logs: what a thread writes itself would be lost with it. */
import type { Logger } from '../../index.js'
import type { Logged } from '../wire/messages.js'
import type { Lines } from './lines.js'

export function threadLogger(lines: Lines, bound: object = {}): Logger {
  const at =
    (level: Logged['level']) =>
    (fields: object, message?: string): void => {
      if (lines.reserve(level)) lines.say({ kind: 'log', level, fields: plain({ ...bound, ...fields }), message })
    }
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => threadLogger(lines, { ...bound, ...fields }),
  }
}

/** What an author logs may hold what cannot be cloned, and so may what he throws. */
function plain(fields: object): object {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, cloneOf(value)]))
}

function cloneOf(value: unknown): unknown {
  try {
    return structuredClone(value)
  } catch {
    return textOf(value)
  }
}

function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return 'something that cannot be shown'
  }
}
