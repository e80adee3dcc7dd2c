/**
 * Errors that belong to nobody: implementations run in this process, and what they leave behind (a promise that nobody
 * awaits, a `setTimeout` of their own) may fail when no handler is running. It is a bug of theirs and costs them that
 * piece of work; it must not cost everyone else the gateway, as it would by Node's default.
 */
import type { Logger } from '../index.js'

export function outliveStrayErrors(logger: Logger): void {
  process.on('uncaughtException', (err) => {
    logger.error({ err }, 'an error was thrown outside of any handler; the gateway goes on')
  })
  process.on('unhandledRejection', (err) => {
    logger.error({ err }, 'a promise that nobody awaits was rejected; the gateway goes on')
  })
}
